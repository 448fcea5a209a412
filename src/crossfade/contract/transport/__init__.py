"""One request to an ASGI application in this process."""
