"""HAR files, which browsers and proxies export, as cases."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from crossfade.contract.errors import ContractError
from crossfade.contract.recording.har_entries import Entry, read_entry
from crossfade.contract.recording.keeper import Exchanged, Keeper
from crossfade.gateway.dispatch import Gateway
from crossfade.messages.exchange import Request


def read_har(path: Path) -> list[Entry]:
    """Read a file; an entry that can't be used says why.

    Raises:
        ContractError: it can't be read, or is no HAR file.
    """
    try:
        document = json.loads(path.read_bytes())
        entries = document["log"]["entries"]
        if not isinstance(entries, list):
            raise TypeError(f"log.entries is {type(entries).__name__}")
    except OSError as error:
        raise ContractError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ContractError(f"{path} is not a HAR file: {error!r}") from None
    return [read_entry(each) for each in entries]


def hosts(entries: list[Entry]) -> Counter[str]:
    """Count the entries of each host."""
    return Counter(entry.host for entry in entries if entry.host)


def keep(
    entries: list[Entry], host: str, gateway: Gateway, keeper: Keeper, origin: str
) -> list[Path]:
    """Write the exchanges with one host as cases; `keeper.skipped` counts the others.

    Returns:
        the files written.
    """
    written = []
    for entry in entries:
        if entry.host not in (host, ""):
            continue
        if entry.request is None:
            keeper.skipped[entry.reason] += 1
            continue
        try:
            path = _keep(entry, entry.request, gateway, keeper, origin)
        except (ValueError, LookupError, TypeError) as error:
            keeper.skipped[f"it can't be kept ({type(error).__name__}: {error})"] += 1
            continue
        if path is not None:
            written.append(path)
    return written


def _keep(
    entry: Entry, request: Request, gateway: Gateway, keeper: Keeper, origin: str
) -> Path | None:
    target = gateway.live.snapshot.table.match(_scope(entry, request)).target
    is_static = target is not None and target.legacy is not None and _is_static(target)
    if target is None or is_static:
        keeper.skipped["a static file" if is_static else "no route of the application"] += 1
        return None
    return keeper.keep(Exchanged(request, target.route, entry.status, origin))


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
