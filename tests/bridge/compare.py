"""What came back of a probe, without what no client may rely on."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from tests.bridge.probes import CLOSED, Probe
from tests.servers import Address, Closed, Connection, RawResponse, Server

# The connection's and the server's own headers: framing is compared as `complete` and by what
# comes after on the same connection.
_SERVERS_OWN = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
_BETWEEN_PACKETS = 0.02

Outcome = list[Any]


def run(server: Server, probe: Probe, timeout: float = 20.0) -> Outcome:
    """Send a probe and return what came back: a list of normalised responses, or `closed`."""
    return [
        answer if isinstance(answer, str) else normalised(answer, server.address)
        for answer in answers(server.address, probe, timeout)
    ]


def answers(address: Address, probe: Probe, timeout: float = 20.0) -> list[RawResponse | str]:
    """Send a probe and return the responses, the last of them `closed` if the peer closed."""
    method = probe.packets[0].partition(b" ")[0].decode("latin-1")
    found: list[RawResponse | str] = []
    with Connection(address, timeout) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for number, packet in enumerate(probe.packets):
                if number:
                    # Makes packets of them. What comes back must be the same if it does not.
                    time.sleep(_BETWEEN_PACKETS)
                connection.send(packet)
            if probe.end:
                connection.end()
        for number in range(probe.count):
            try:
                found.append(connection.response(method if not number else "GET"))
            except Closed:
                found.append(CLOSED)
                break
    return found


def normalised(answer: RawResponse, address: Address) -> dict[str, Any]:
    """Return the parts of a response that must be equal."""
    if is_refusal(answer):
        return {"status": answer.status, "refused": True, "complete": answer.complete}
    headers: dict[str, list[str]] = {}
    for name, value in answer.headers:
        if name.lower() not in _SERVERS_OWN:
            headers.setdefault(name.lower(), []).append(value)
    if "allow" in headers:
        headers["allow"] = sorted(item.strip() for item in ",".join(headers["allow"]).split(","))
    body = answer.body
    if isinstance(address, tuple):
        body = body.replace(b'"%d"' % address[1], b'"PORT"')
    if answer.framing != "length" and answer.complete:
        # A body of unknown length may be sent with its length once it is known.
        headers.setdefault("content-length", [str(len(body))])
    if answer.framing == "length" and body != answer.body:
        headers["content-length"] = [str(len(body))]
    return {
        "status": answer.status,
        "headers": dict(sorted(headers.items())),
        "body": body,
        "complete": answer.complete,
        "interim": answer.interim,
    }


def is_refusal(answer: RawResponse) -> bool:
    """Whether a server refused the bytes themselves: in which words is its own."""
    if answer.framing == "none" and answer.status in (400, 414, 417, 431, 501):
        # To a HEAD, whose body is not read.
        return answer.get("connection") is not None
    return answer.body == b"Invalid HTTP request received." or (
        400 <= answer.status != 500 and answer.body.startswith(b"<html>\n  <head>\n    <title>")
    )


def statuses(outcome: Outcome) -> tuple[int | str, ...]:
    """Return the statuses of an outcome."""
    return tuple(item if isinstance(item, str) else int(item["status"]) for item in outcome)
