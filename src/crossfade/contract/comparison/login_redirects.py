"""Redirects by which a person is refused: the view behind `login_required` never ran."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from crossfade.messages.exchange import Request, Response

_LOGIN: Final = re.compile(r"(log|sign)[-_]?(in|on)(?![a-z])|\b(sso|oauth2?|authorize)\b", re.I)
_LOGOUT: Final = re.compile(rb"(log|sign)[-_]?(out|off)", re.I)


def sent_to_log_in(request: Request, response: Response) -> bool:
    """Whether an answer is a redirect to a page where one logs in, as its URL says.

    A logout leads there as well, and is served.

    >>> sent_to_log_in(Request("GET", b"/me"), Response(302, (("location", "/login?next=/me"),)))
    True
    """
    if not 300 <= response.status < 400 or _LOGOUT.search(request.raw_path):
        return False
    return _LOGIN.search(_target(response)) is not None


def to_itself(request: Request, response: Response) -> bool:
    """Whether a redirect leads where it comes from: a login that was refused, not a stranger."""
    return _target(response).encode() == request.raw_path


def _target(response: Response) -> str:
    return urlsplit(next(iter(response.values("location")), "")).path
