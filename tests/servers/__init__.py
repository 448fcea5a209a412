"""Real servers on free ports, and a client that sends raw bytes to them."""

from tests.servers.harness import Server, free_port, granian, gunicorn, start, until, uvicorn
from tests.servers.rawhttp import (
    Address,
    Closed,
    Connection,
    RawResponse,
    connect,
    fetch,
    get,
    request_bytes,
)

__all__ = [
    "Address",
    "Closed",
    "Connection",
    "RawResponse",
    "Server",
    "connect",
    "fetch",
    "free_port",
    "get",
    "granian",
    "gunicorn",
    "request_bytes",
    "start",
    "until",
    "uvicorn",
]
