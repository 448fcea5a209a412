"""Flask extensions with their native counterparts, both through the gateway."""
