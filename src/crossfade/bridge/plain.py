"""The answers that the bridge gives itself, in the form that gunicorn gives them."""

from __future__ import annotations

import html
from http import HTTPStatus
from typing import Any, Final

from crossfade.bridge.head import RawHeaders

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
    reason = HTTPStatus(status).phrase
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
