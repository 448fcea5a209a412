"""What an ASGI scope says of a request: framing, one reading for both sides, WSGI environ."""
