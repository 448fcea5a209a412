"""Answers in Flask's spelling."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timezone
from email.utils import format_datetime
from typing import Annotated, Any

import werkzeug.utils
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import PlainSerializer


class FlaskJSONResponse(JSONResponse):
    r"""JSON as `flask.jsonify` writes it when the application is not in debug mode.

    >>> FlaskJSONResponse({"b": "é", "a": [1, 2]}).body
    b'{"a":[1,2],"b":"\\u00e9"}\n'
    """

    def render(self, content: Any) -> bytes:
        """Return `content` with sorted keys, no blanks, ASCII only, and a newline at the end."""
        return f"{json.dumps(content, sort_keys=True, separators=(',', ':'))}\n".encode()


def no_content() -> Response:
    """Return Flask's `"", 204`, which names a content type although it has no content."""
    return Response(status_code=204, media_type="text/html")


def redirect(location: str, status_code: int = 302) -> Response:
    """Return `flask.redirect(location)`: with Werkzeug's page for whoever does not follow."""
    answer = werkzeug.utils.redirect(location, status_code)
    return HTMLResponse(
        answer.get_data(), status_code, headers={"Location": answer.headers["Location"]}
    )


def http_date(value: date) -> str:
    """Return a day or a moment as Flask writes it in JSON: as in an HTTP header.

    >>> http_date(date(2026, 3, 1))
    'Sun, 01 Mar 2026 00:00:00 GMT'
    """
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), tzinfo=timezone.utc)
    return format_datetime(value.astimezone(timezone.utc), usegmt=True)


HttpDate = Annotated[date, PlainSerializer(http_date, return_type=str)]
HttpDateTime = Annotated[datetime, PlainSerializer(http_date, return_type=str)]
