"""The live map, and which side answers a request; start, shutdown and status."""
