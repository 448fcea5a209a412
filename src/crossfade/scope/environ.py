"""ASGI scope → WSGI environ, as PEP 3333 asks and as gunicorn builds it. Pure: no I/O, no clock.

Everything comes from the bytes that the client sent where the server hands them on (`raw_path`,
`query_string`, `headers`), so that an application that decodes them itself sees what it saw before.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Protocol
from urllib.parse import unquote_to_bytes

from crossfade.model import SERVER_SOFTWARE
from crossfade.scope.framing import Scope, sent_target

ROOT_PATH: Final = "crossfade.root_path"
"""Scope key: the server's root path, where `scope["root_path"]` has become another one.

`FastAPI(root_path=…)` puts its own there, which the server and Flask know nothing of, and a mounted
application's scope has the mount's in it.
"""

_SCHEMES: Final = {"ws": "http", "wss": "https"}
_FILE_BLOCK: Final = 65536
_MAX_CACHED_NAMES: Final = 1024


class Readable(Protocol):
    """What `wsgi.file_wrapper` takes: anything with `read`."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, b"" at the end."""
        ...


class FileWrapper:
    """`wsgi.file_wrapper`: a file as the iterable of a response, in blocks of 64 kB or more.

    The block size that an application asks for (Werkzeug: 8 kB) is a floor, since gunicorn, which
    uses sendfile, ignores it altogether.
    """

    def __init__(self, filelike: Readable, blksize: int = _FILE_BLOCK) -> None:
        self.filelike = filelike
        self.blksize = max(blksize, _FILE_BLOCK)
        close = getattr(filelike, "close", None)
        if close is not None:
            self.close = close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration


def path_info(scope: Scope) -> str:
    """Return PATH_INFO: the path below `root_path`, percent-decoded, one character per byte.

    >>> path_info({"path": "/caf\u00e9", "raw_path": b"/caf%C3%A9"})
    '/cafÃ©'
    >>> path_info({"path": "/apiary", "root_path": "/api"})
    '/apiary'

    A path that a middleware rewrote without its `raw_path` is taken as rewritten. The target in
    absolute form (RFC 9112 3.2.2) gives its path, and a fragment is dropped, as gunicorn does.
    """
    path: str = scope["path"]
    raw: bytes | None = scope.get("raw_path")
    if not path.isascii() or (raw is not None and raw != path.encode()):
        path = _decoded(path, raw)
    elif path[:1] != "/" or ("#" in path and raw is not None):
        path = _origin_form(path)
    root: str | None = scope.get(ROOT_PATH, scope.get("root_path"))
    return _below(path, root) if root else path


def whole_path(scope: Scope) -> str:
    """Return what `path_info` does, with the root path in front of it."""
    return path_info({**scope, ROOT_PATH: ""})


def root_path(scope: Scope) -> str:
    """Return the root path that the server gave."""
    root: str = scope.get(ROOT_PATH, scope.get("root_path")) or ""
    return root


def script_name(scope: Scope) -> str:
    """Return SCRIPT_NAME: `root_path`, one character per byte, without a slash at its end."""
    root = root_path(scope)
    return root.rstrip("/").encode("utf-8", "surrogateescape").decode("latin-1") if root else ""


def build_environ(
    scope: Scope, body: Any, server_software: str = SERVER_SOFTWARE
) -> dict[str, Any]:
    """Return the environ of an `http` or `websocket` scope.

    Args:
        scope: the ASGI scope of a request that `read_framing` lets pass; also left under
            `asgi.scope`, where a2wsgi leaves it.
        body: `wsgi.input`, which ends where the request's body ends.
        server_software: `SERVER_SOFTWARE`.
    """
    target = sent_target(scope).decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    if query:
        # Some HTTP parsers leave a fragment in, and look for the query after it.
        sent, query = query, "" if "#" in target else query.partition("#")[0]
        target = f"{target}?{sent}"
    method: str = scope.get("method", "GET")
    version: str = scope.get("http_version", "1.1")
    scheme: str = scope.get("scheme", "http")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": script_name(scope),
        "PATH_INFO": path_info(scope),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "REQUEST_URI": target,
        "SERVER_PROTOCOL": "HTTP/1.1" if version == "1.1" else _protocol(version),
        "SERVER_SOFTWARE": server_software,
        "asgi.scope": scope,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": _SCHEMES.get(scheme, scheme),
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": is_multiprocess(),
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    _add_headers(environ, scope["headers"])
    _add_addresses(environ, scope)
    return environ


def _decoded(path: str, raw: bytes | None) -> str:
    """PATH_INFO of a path that is not the same plain ASCII in both of its forms."""
    if raw is not None:
        origin = _origin_form(raw.decode("latin-1"))
        decoded = unquote_to_bytes(origin.encode("latin-1"))
        if raw[:1] != b"/" or b"#" in raw or decoded.decode("utf-8", "replace") == path:
            return decoded.decode("latin-1")
        # `path` was rewritten on its way here, and its rewriter did not know of `raw_path`.
    return path.encode("utf-8", "surrogateescape").decode("latin-1")


def _origin_form(target: str) -> str:
    """`http://host/path#part` → `/path`."""
    if target[:1] != "/" and "://" in target:
        authority_and_path = target.partition("://")[2]
        _, slash, rest = authority_and_path.partition("/")
        target = slash + rest
    return target.partition("#")[0]


def _below(path: str, root: str) -> str:
    # uvicorn puts the prefix before the path as it was given: `/api/` makes `/api//x` of `/x`.
    root = root.encode("utf-8", "surrogateescape").decode("latin-1")
    bare = root.rstrip("/")
    for prefix in (root, bare):
        rest = path[len(prefix) :]
        if path.startswith(prefix) and (rest[:1] == "/" or (not rest and prefix == bare)):
            return rest
    return path


def _protocol(version: str) -> str:
    # "1" is granian's word for HTTP/1.0.
    return f"HTTP/{version}" if "." in version else f"HTTP/{version}.0"


def _environ_key(name: bytes) -> str:
    """`content-type` → `CONTENT_TYPE`, `x-a` → `HTTP_X_A`, and "" for a name to be dropped.

    A name with an underscore is dropped: `X_Remote_User` would become the very key that a proxy's
    `X-Remote-User` has (RFC 9110 17.10; gunicorn's `header_map = "drop"`).
    """
    text = name.decode("latin-1").upper()
    if "_" in text:
        return ""
    key = text.replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


_KEYS: dict[bytes, str] = {}


def _add_headers(environ: dict[str, Any], headers: Any) -> None:
    keys = _KEYS
    for name, value in headers:
        key = keys.get(name)
        if key is None:
            key = _environ_key(name)
            if len(keys) < _MAX_CACHED_NAMES:
                keys[name] = key
        if not key:
            continue
        text = value.decode("latin-1").strip(" \t")
        if key in environ:
            separator = "; " if key == "HTTP_COOKIE" else ","
            text = f"{environ[key]}{separator}{text}"
        environ[key] = text


def _add_addresses(environ: dict[str, Any], scope: Scope) -> None:
    """SERVER_* and REMOTE_*, also over a unix socket, where ASGI gives its path and no client."""
    host, port = scope.get("server") or ("", None)
    if port is None:
        name, colon, text = environ.get("HTTP_HOST", "").partition(":")
        default = "443" if environ["wsgi.url_scheme"] == "https" else "80"
        environ["SERVER_NAME"] = name or host or "localhost"
        environ["SERVER_PORT"] = text if colon else default
    else:
        environ["SERVER_NAME"] = host
        environ["SERVER_PORT"] = str(port)
    client = scope.get("client")
    environ["REMOTE_ADDR"] = client[0] if client else ""
    if client and client[1]:
        # Port 0 is a server's word for "taken from a forwarded header": nobody knows the port.
        environ["REMOTE_PORT"] = str(client[1])


@cache
def is_multiprocess() -> bool:
    """Whether other processes may serve the application as well (`wsgi.multiprocess`).

    uvicorn, granian and hypercorn start their workers by `multiprocessing`. gunicorn forks its
    own, tells them by an environment variable who they are, and changes their number by signals.
    """
    under_gunicorn = os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/")
    return under_gunicorn or multiprocessing.parent_process() is not None
