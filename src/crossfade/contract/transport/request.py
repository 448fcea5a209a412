"""From httpx-like arguments to the exact bytes of a request, and cookies between requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from json import dumps
from typing import Any, Final
from urllib.parse import quote

import httpx

from crossfade.contract.comparison.dates import http_date
from crossfade.messages.exchange import Headers, Request, Response, SetCookie

HeaderTypes = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]

_AS_IT_IS: Final = "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What a caller may write in a path and is sent untouched: every visible character but `#`."""

_USER_AGENT: Final = "crossfade-contract"


class CookieJar:
    """What one side's client has been told to send back.

    Path, expiry and `Secure` are honoured as in RFC 6265; `Domain` is not looked at, so that
    a session works whatever host the test uses.
    """

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str], SetCookie] = {}

    def copy(self) -> CookieJar:
        """The same cookies in a jar of their own."""
        other = CookieJar()
        other._cookies = self._cookies.copy()
        return other

    def update(self, response: Response, raw_path: bytes, now: datetime | None = None) -> None:
        """Keep what a response sets, drop what it deletes.

        Args:
            response: of this side.
            raw_path: of the request.
            now: by the clock of the side that answered, which may be frozen; None: the real one.
        """
        now = now or datetime.now(timezone.utc)
        for cookie in response.cookies:
            path = cookie.get("path") or ""
            if not path.startswith("/"):  # RFC 6265, section 5.1.4
                path = raw_path.decode("latin-1").rpartition("/")[0] or "/"
            if _expired(cookie, now):
                self._cookies.pop((cookie.name, path), None)
            else:
                self._cookies[cookie.name, path] = cookie

    def pairs(self, raw_path: bytes, scheme: str) -> list[tuple[str, str]]:
        """The cookies for one request, the longest path first (RFC 6265, section 5.4)."""
        target = raw_path.decode("latin-1")
        fitting = [
            (path, cookie)
            for (_, path), cookie in self._cookies.items()
            if _within(target, path) and (scheme == "https" or cookie.get("secure") is None)
        ]
        fitting.sort(key=lambda item: -len(item[0]))
        return [(cookie.name, cookie.value) for _, cookie in fitting]


def _within(target: str, path: str) -> bool:
    return target == path or target.startswith(path if path.endswith("/") else path + "/")


def _expired(cookie: SetCookie, now: datetime) -> bool:
    age, expires = cookie.get("max-age"), cookie.get("expires")
    if age is not None and age.lstrip("-").isdigit():
        return int(age) <= 0
    moment = http_date(expires or "")
    return moment is not None and moment <= now


def build_request(
    method: str,
    path: str | bytes,
    *,
    base_url: httpx.URL,
    params: Any = None,
    headers: HeaderTypes | None = None,
    json: Any = None,
    data: Mapping[str, Any] | None = None,
    files: Any = None,
    content: str | bytes | Iterable[bytes] | None = None,
) -> Request:
    """Return the request that is sent to both sides, cookies apart.

    The path is sent as it is written: `/x%2Fy`, `//leaf`, `/a/../b`. Only what can't stand in a
    request line is escaped (blanks, controls, non-ASCII as UTF-8); `bytes` are not touched at all.
    Forms, uploads and their headers are httpx's; a header given here replaces the one of that name.
    """
    given = _given(headers)
    if json is not None:
        # As httpx 0.28 writes it; the same bytes with every version, and NaN as Python has it.
        content = dumps(json, ensure_ascii=False, separators=(",", ":"))
    named = {name for name, _ in given}
    content_type = [pair for pair in given if pair[0] == "content-type"]
    if json is not None and not content_type:
        content_type = [("content-type", "application/json")]
    built = httpx.Request(
        method,
        base_url,
        headers=content_type,
        data=data,
        files=files,
        content=content,
    )
    body = built.read()
    standard = [
        ("host", base_url.netloc.decode("ascii")),
        ("user-agent", _USER_AGENT),
        ("accept", "*/*"),
        *((name, built.headers[name]) for name in _BODY_HEADERS if name in built.headers),
    ]
    kept = [pair for pair in standard if pair[0] not in named]
    return Request(built.method, _target(path, params), (*kept, *given), body)


_BODY_HEADERS: Final = ("content-type", "content-length", "transfer-encoding")


def with_cookies(request: Request, pairs: Sequence[tuple[str, str]]) -> Request:
    """The request with a `Cookie` header, unless it has one or there is nothing to send."""
    if not pairs or request.values("cookie"):
        return request
    line = "; ".join(f"{name}={value}" for name, value in pairs)
    return Request(
        request.method, request.target, (*request.headers, ("cookie", _latin(line))), request.body
    )


def _given(headers: HeaderTypes | None) -> Headers:
    pairs: Iterable[tuple[str, str | bytes]]
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    return tuple((name.lower(), _latin(value)) for name, value in pairs)


def _latin(value: str | bytes) -> str:
    """The bytes that are sent, as latin-1; text that latin-1 lacks is sent as UTF-8."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if all(c < "\u0100" for c in value) else value.encode().decode("latin-1")


def _target(path: str | bytes, params: Any) -> bytes:
    target = path if isinstance(path, bytes) else _escaped(path)
    if not target.startswith(b"/") and target != b"*":
        raise ValueError(f"the path {path!r} has to begin with a slash: contract.get('/users/1')")
    if params is not None:
        query = str(httpx.QueryParams(params)).encode("ascii")
        if query:
            target += (b"&" if b"?" in target else b"?") + query
    return target


def _escaped(path: str) -> bytes:
    if "#" in path:
        raise ValueError(f"{path!r}: a client never sends what follows '#'; write %23 for the sign")
    return quote(path, safe=_AS_IT_IS).encode("ascii")
