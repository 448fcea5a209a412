"""HAR files, which browsers and proxies export, as exchanges.

Source: http://www.softwareishard.com/blog/har-12-spec/. What browsers write beside it is known,
too: HTTP/2's pseudo headers, bodies in base64, a form as `params` without its text.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from crossfade.contract.errors import ContractError
from crossfade.contract.recording_cases import Exchanged, Keeper
from crossfade.dispatch import Gateway
from crossfade.exchange import Request


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a HAR file.

    Attributes:
        request: as it was sent; None where the file lacks its body.
        host: with its port, where that stands in the URL.
        scheme: `http` or `https`.
        status: of the answer; 0 where there was none.
    """

    request: Request | None
    host: str
    scheme: str
    status: int


def read_har(path: Path) -> list[Entry]:
    """Read a file.

    Raises:
        ContractError: it can't be read, or is no HAR file.
    """
    try:
        document = json.loads(path.read_bytes())
        return [_entry(each) for each in document["log"]["entries"]]
    except OSError as error:
        raise ContractError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"{path} is no HAR file: {error!r}") from None


def hosts(entries: list[Entry]) -> Counter[str]:
    """Count the entries of each host."""
    return Counter(entry.host for entry in entries)


def keep(
    entries: list[Entry], host: str, gateway: Gateway, keeper: Keeper, origin: str
) -> list[Path]:
    """Write the exchanges with one host as cases; `keeper.skipped` counts the others.

    Returns:
        the files written.
    """
    written = []
    for entry in entries:
        if entry.host != host:
            continue
        if entry.request is None:
            keeper.skipped["the file lacks its body"] += 1
            continue
        target = gateway.live.snapshot.table.match(_scope(entry, entry.request)).target
        is_static = target is not None and target.legacy is not None and _is_static(target)
        if target is None or is_static:
            keeper.skipped["a static file" if is_static else "no route of the application"] += 1
            continue
        path = keeper.keep(Exchanged(entry.request, target.route, entry.status, origin))
        if path is not None:
            written.append(path)
    return written


def _is_static(target: Any) -> bool:
    return str(target.legacy.endpoint).rpartition(".")[2] == "static"


def _scope(entry: Entry, request: Request) -> dict[str, Any]:
    name, _, port = entry.host.partition(":")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": entry.scheme,
        "path": unquote(request.raw_path.decode("latin-1")),
        "raw_path": request.raw_path,
        "query_string": request.query_string,
        "root_path": "",
        "headers": [(b"host", entry.host.encode("latin-1", "replace"))],
        "client": ("127.0.0.1", 50000),
        "server": (name, int(port) if port.isdigit() else (443 if entry.scheme == "https" else 80)),
    }


def _entry(entry: Any) -> Entry:
    asked = entry["request"]
    url = urlsplit(asked["url"])
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    body = _body(asked.get("postData") or {})
    headers = tuple(_headers(asked.get("headers") or ()))
    request = None
    if body is not None and target.isascii():
        request = Request(asked["method"].upper(), target.encode("ascii"), headers, body)
    status = (entry.get("response") or {}).get("status") or 0
    return Entry(request, url.netloc.rpartition("@")[2], url.scheme, int(status))


def _headers(listed: Any) -> Iterator[tuple[str, str]]:
    for header in listed:
        name, value = header["name"].lower(), str(header["value"])
        if not name.startswith(":"):
            yield name, value.encode().decode("latin-1") if not value.isascii() else value


def _body(data: Any) -> bytes | None:
    """The body; empty where there was none, None where the file does not have it."""
    text = data.get("text")
    if text:
        encoded = data.get("encoding") == "base64"
        return base64.b64decode(text) if encoded else str(text).encode()
    params = data.get("params")
    if not params:
        return b""
    if data.get("mimeType", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return None
    # Browsers write them as they were sent or decoded; a form that was sent has no blanks.
    return urlencode([(unquote(p["name"]), unquote(p.get("value", ""))) for p in params]).encode()
