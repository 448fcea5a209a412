"""The gateway in process: small applications made per test, called through ASGI."""
