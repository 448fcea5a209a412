"""The answers that the bridge gives itself, in the form that gunicorn gives them."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from crossfade.bridge.head import RawHeaders
from crossfade.logs import Logs
from crossfade.scope.framing import RequestRefused, Scope

logger: Final = Logs("crossfade.bridge")

Send = Callable[[Any], Awaitable[None]]

_REASONS: Final = {414: "URI Too Long"}  # Python 3.12 and older have the words of RFC 2616

_PAGE: Final = """\
<html>
  <head>
    <title>%s</title>
  </head>
  <body>
    <h1><p>%s</p></h1>
    %s
  </body>
</html>
"""


def answer(
    status: int, message: str = "", *, headers: RawHeaders | None = None, close: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two ASGI messages of a small HTML page.

    Args:
        status: the status, which also names the page.
        message: a sentence for its body.
        headers: more headers.
        close: whether the server is to close the connection after it.
    """
    reason = _REASONS.get(status) or HTTPStatus(status).phrase
    body = (_PAGE % (reason, reason, html.escape(message))).encode("latin-1", "replace")
    raw: RawHeaders = [
        (b"content-type", b"text/html"),
        (b"content-length", b"%d" % len(body)),
    ]
    if close:
        raw.append((b"connection", b"close"))
    return (
        {"type": "http.response.start", "status": status, "headers": raw + (headers or [])},
        {"type": "http.response.body", "body": body},
    )


def unavailable(retry_after: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answer to a request that there is no room for.

    Args:
        retry_after: seconds, for its `Retry-After`.
    """
    retry = (b"retry-after", b"%d" % retry_after)
    return answer(503, headers=[retry], close=False)


async def send_all(send: Send, messages: tuple[dict[str, Any], ...]) -> None:
    """Send messages one after the other."""
    for message in messages:
        await send(message)


async def send_refusal(refused: RequestRefused, scope: Scope, send: Send) -> None:
    """Answer a request that reaches no application, and log why, as gunicorn does."""
    peer = (scope.get("client") or ("",))[0]
    logger.warning("invalid request from ip=%s: %s", peer, refused.reason)
    # HTTP/2 has no header for a connection's end: the stream alone ends.
    close = str(scope.get("http_version", "1.1")).startswith("1")
    await send_all(send, answer(refused.status, refused.reason, close=close))
