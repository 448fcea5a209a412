"""What an ASGI scope says of a request: its framing, one reading for both sides, the WSGI environ."""
