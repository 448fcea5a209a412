"""The URL at `[gateway] status_path`: who may see the live state, and the state as JSON.

It tells a stranger every route and which code is new. So it is shown to whoever has the token that
the map names, and without one to this machine alone: to a loopback peer that asked for a loopback
host and speaks for nobody else. For everyone else there is no such URL, and Flask answers.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from crossfade.logs import Logs
from crossfade.model import GatewaySettings
from crossfade.scope.environ import path_info

logger = Logs("crossfade.status")

Headers = list[tuple[bytes, bytes]]

_PROXIED: Final = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"cf-connecting-ip",
        b"fastly-client-ip",
        b"true-client-ip",
    }
)
_PROXIES: Final = (b"x-forwarded", b"x-envoy-", b"x-amzn-", b"x-original-")
"""Headers by which a proxy speaks for somebody, by name and by how the name begins."""


class StatusPage:
    """Answers requests for the status path.

    Args:
        state: returns the live state as plain values. Called on a thread: it may take a while.
        takes_host: whether the legacy application answers requests to the host of this one.
    """

    def __init__(
        self, state: Callable[[], dict[str, Any]], takes_host: Callable[[Scope], bool]
    ) -> None:
        self._state = state
        self._takes_host = takes_host
        self._said = False

    def answering(self, scope: Scope, settings: GatewaySettings) -> ASGIApp | None:
        """Return what answers a request, or None where it doesn't ask for this, or may not."""
        path = settings.status_path
        if path is None or not _is_below_root(scope, path):
            return None
        if settings.status_token is None:
            if _is_local(scope):
                return self._show
            self._say_once(path, scope)
            return None
        if not self._takes_host(scope):
            return None
        return self._show if _has_token(scope, settings.status_token) else _ask_for_token

    def _say_once(self, path: str, scope: Scope) -> None:
        if not self._said:
            self._said = True
            logger.warning(
                "%s asked for the status path %s and was not shown it: without a token it is shown "
                "to requests of this machine for localhost, and not through a proxy. Set [gateway] "
                'status_token = "env:NAME" to read it from elsewhere',
                (scope.get("client") or ("a unix socket",))[0],
                path,
            )

    async def _show(self, scope: Scope, receive: Receive, send: Send) -> None:
        # On a thread: with thousands of routes it takes a while, in which others are answered.
        text = await asyncio.to_thread(lambda: json.dumps(self._state(), indent=2))
        await _send(scope, send, 200, [(b"content-type", b"application/json")], text.encode())


def token_problem(settings: GatewaySettings) -> str | None:
    """Return why nobody can be shown the status path, or None."""
    token = settings.status_token
    if settings.status_path is None or token is None or _secret(token):
        return None
    return (
        f'[gateway] status_token = "{token}", and this environment variable is not set: every '
        f"request for {settings.status_path} is answered 401"
    )


def _is_below_root(scope: Scope, path: str) -> bool:
    """Whether the request reads this path, counted from the server's root path like a rule's."""
    return (
        scope["path"].endswith(path)
        and scope["method"] in ("GET", "HEAD")
        and path_info(scope).encode("latin-1").decode(errors="replace") == path
    )


def _is_local(scope: Scope) -> bool:
    """Whether a process of this machine asks for itself.

    The host keeps out a page in a browser of this machine whose name was made to lead here.
    """
    peer = scope.get("client")
    if peer is None or not _is_loopback(peer[0]):
        return False
    for name, value in scope["headers"]:
        if name in _PROXIED or name.startswith(_PROXIES):
            return False
        if name == b"host" and not _is_loopback(_without_port(value.decode("latin-1").strip())):
            return False
    return True


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _without_port(host: str) -> str:
    """`[::1]:8000` → `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _has_token(scope: Scope, token: str) -> bool:
    secret = _secret(token)
    sent = list(_bearers(scope["headers"]))
    return bool(secret) and len(sent) == 1 and hmac.compare_digest(sent[0], secret)


def _bearers(headers: Headers) -> Iterator[bytes]:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, credentials = value.strip().partition(b" ")
            yield credentials.strip() if scheme.lower() == b"bearer" else b""


def _secret(token: str) -> bytes:
    """`env:NAME` → what the environment variable holds now."""
    return os.environ.get(token.removeprefix("env:"), "").strip().encode()


async def _ask_for_token(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Bearer")]
    await _send(scope, send, 401, headers, b"This needs the token of [gateway] status_token\n")


async def _send(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    headers += [(b"cache-control", b"no-store"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    is_head = scope["method"] == "HEAD"
    await send({"type": "http.response.body", "body": b"" if is_head else body})
