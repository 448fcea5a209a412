"""The `.http` files that cases are kept in."""
