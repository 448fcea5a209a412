"""ASGI scope → WSGI environ, as PEP 3333 asks and as gunicorn builds it. Pure: no I/O, no clock.

Everything comes from the bytes that the client sent where the server hands them on (`raw_path`,
`query_string`, `headers`), so that an application that decodes them itself sees what it saw before.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote_to_bytes

Scope = Mapping[str, Any]

ROOT_PATH: Final = "crossfade.root_path"
"""Scope key: the server's root path, where `scope["root_path"]` has become another one.

`FastAPI(root_path=…)` puts its own there, which the server and Flask know nothing of, and a mounted
application's scope has the mount's in it.
"""

_IN_A_PATH: Final = "/:@!$&'()*+,;=~"  # RFC 3986 3.3: beside what `quote` leaves alone

_SCHEMES: Final = {"ws": "http", "wss": "https"}
_SINGLETONS: Final = frozenset(
    {"CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_HOST", "HTTP_AUTHORIZATION"}
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_METHOD: Final = re.compile(r"[!$%&'*+\-.^_`|~0-9A-Z]{3,20}")
_FILE_BLOCK: Final = 65536
_MAX_CACHED_NAMES: Final = 1024


class RequestRefused(Exception):
    """A request that a server must not hand to an application, because it can be read in two ways.

    Attributes:
        status: the status to answer with, after which the connection is closed.
        reason: what is wrong, for the body of the answer and the log.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


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


def quoted(path: str) -> str:
    """Return a path as a client sends it."""
    return quote(path, safe=_IN_A_PATH, errors="surrogateescape")


def build_environ(scope: Scope, body: Any) -> dict[str, Any]:
    """Return the environ of an `http` or `websocket` scope.

    Args:
        scope: the ASGI scope; also left under `asgi.scope`, where a2wsgi leaves it.
        body: `wsgi.input`, which ends where the request's body ends.

    Raises:
        RequestRefused: what gunicorn refuses and some HTTP parsers let pass, since two readers
            could take it for two different requests: a header that may come once came twice, a
            length came with a transfer coding, control characters, a method in lower case.
    """
    raw: bytes | None = scope.get("raw_path")
    target = quoted(scope["path"]) if raw is None else raw.decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    if query:
        # Some HTTP parsers leave a fragment in, and look for the query after it.
        sent, query = query, "" if "#" in target else query.partition("#")[0]
        target = f"{target}?{sent}"
    method: str = scope.get("method", "GET")
    version: str = scope.get("http_version", "1.1")
    _check_line(method, target, version)
    scheme: str = scope.get("scheme", "http")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": script_name(scope),
        "PATH_INFO": path_info(scope),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "REQUEST_URI": target,
        "SERVER_PROTOCOL": "HTTP/1.1" if version == "1.1" else _protocol(version),
        "SERVER_SOFTWARE": "crossfade",
        "asgi.scope": scope,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": _SCHEMES.get(scheme, scheme),
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": _MULTIPROCESS,
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


def _check_line(method: str, target: str, version: str) -> None:
    if not _METHOD.fullmatch(method):
        raise RequestRefused(400, f"Invalid Method 'Invalid HTTP method: {method!r}'")
    if not (target.isascii() and target.isprintable()):
        raise RequestRefused(400, "Invalid Request Line: the target is not printable ASCII")
    is_path = target[:1] in ("/", "") or "://" in target
    if not is_path and method != "CONNECT" and (method, target) != ("OPTIONS", "*"):
        # RFC 9112 3.2.3 and 3.2.4. Flask would take `users` for `/users`.
        raise RequestRefused(400, "Invalid Request Line: the target is no path")
    if version != "1.1" and version[:2] != "1." and version not in ("1", "2", "3"):
        raise RequestRefused(400, f"Invalid HTTP Version {version!r}")


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
        if not text.isprintable() and _CONTROL.search(text):
            raise _invalid(name)
        if key in environ:
            if key in _SINGLETONS:
                raise _invalid(name)
            separator = "; " if key == "HTTP_COOKIE" else ","
            text = f"{environ[key]}{separator}{text}"
        environ[key] = text
    if "CONTENT_LENGTH" in environ:
        length = environ["CONTENT_LENGTH"]
        if "HTTP_TRANSFER_ENCODING" in environ or not (length.isascii() and length.isdigit()):
            raise _invalid(b"content-length")
    if "HTTP_TRANSFER_ENCODING" in environ and environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        raise _invalid(b"transfer-encoding")
    if "HTTP_EXPECT" in environ and environ["HTTP_EXPECT"].lower() != "100-continue":
        expectation = environ["HTTP_EXPECT"]
        raise RequestRefused(417, f"Unable to comply with expectation: {expectation!r}")


def _invalid(name: bytes) -> RequestRefused:
    # Only the name: the value may be a secret.
    return RequestRefused(400, f"Invalid HTTP Header: {name.decode('latin-1').upper()!r}")


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


_MULTIPROCESS: Final = multiprocessing.parent_process() is not None
