"""The live map, and which side answers a request: dispatch, admission, start and shutdown, status."""
