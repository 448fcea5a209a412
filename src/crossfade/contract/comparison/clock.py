"""Differences that the clock makes: an answer may hold the second in which it was made.

Flask's session cookie is read with Flask's own key and compared by content. For any other value
that holds a second the two sides are asked again until they fall on the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadData

from crossfade.contract.comparison.dates import http_date
from crossfade.messages.codings import decoded
from crossfade.messages.compare import Difference, Kind
from crossfade.messages.exchange import Response

_SIGNED: Final = re.compile(r'"?(\.?[\w-]+)\.([\w-]{5,8})\.[\w-]{20,}"?')
"""Payload, seconds and signature as itsdangerous joins them."""

READ_WITH_KEY: Final = "read with Flask's key"
"""The note of a difference between two sessions that Flask itself could have signed."""

_EPOCH: Final = re.compile(r"[12]\d{9}")
"""Seconds since 1970, from 2001 to 2065: `X-RateLimit-Reset: 1795168654`."""

_SECONDS: Final = ("header.retry-after", "header.age")
"""Headers that hold a number of seconds (RFC 9110, RFC 9111): until, or since, a moment."""


class SessionReader:
    """Reads the session cookies of one Flask application."""

    def __init__(self, app: Flask) -> None:
        self.where = f"cookie.{app.config['SESSION_COOKIE_NAME']}"
        interface = app.session_interface
        self._serializer = None
        if isinstance(interface, SecureCookieSessionInterface):
            self._serializer = interface.get_signing_serializer(app)

    def settle(self, difference: Difference, elapsed: float) -> Difference | None:
        """The difference of two sessions by their content; None where they have the same.

        Args:
            difference: any; one that is not about the session's value comes back as it is.
            elapsed: seconds between the two answers at most.
        """
        ours, theirs = difference.legacy, difference.native
        if self._serializer is None or difference.where != self.where or not (ours and theirs):
            return difference
        legacy, native = self._read(ours), self._read(theirs)
        if native is None or legacy is None:
            side = "FastAPI" if native is None else "Flask"
            return replace(difference, note=f"{side}'s is not signed as Flask signs its session")
        apart = abs((legacy[1] - native[1]).total_seconds())
        if repr(legacy[0]) == repr(native[0]) and apart <= elapsed + 1:
            return None
        if legacy[0] == native[0]:
            return replace(difference, note=f"the same content, signed {apart:.0f} s apart")
        return replace(
            difference, legacy=repr(legacy[0]), native=repr(native[0]), note=READ_WITH_KEY
        )

    def content(self, value: str | None) -> Mapping[str, Any] | None:
        """What a session cookie holds; None where Flask would not take it."""
        if self._serializer is None or value is None:
            return None
        read = self._read(value)
        return read[0] if read is not None and isinstance(read[0], Mapping) else None

    def _read(self, value: str) -> tuple[object, datetime] | None:
        assert self._serializer is not None  # the caller has looked
        try:
            content, moment = self._serializer.loads(value.strip('"'), return_timestamp=True)
        except BadData:
            return None
        return content, moment


def settle(
    differences: Iterable[Difference], session: SessionReader | None, elapsed: float, last: bool
) -> Iterator[Difference]:
    """Leave out what only the clock made.

    Args:
        differences: what a comparison found.
        session: the reader of Flask's session, where there is a Flask.
        elapsed: seconds between the two answers at most.
        last: whether the sides will not be asked again. HTTP dates that are no further apart than
            the answers are then one date; a signature stays a difference.
    """
    for difference in differences:
        settled = difference if session is None else session.settle(difference, elapsed)
        if settled is not None and not (last and _date_within(settled, elapsed)):
            yield settled


def by_the_clock(difference: Difference) -> bool:
    """Whether the two sides may differ only because they answered in different seconds."""
    ours, theirs = difference.legacy or "", difference.native or ""
    if difference.kind in (Kind.JSON_VALUE, Kind.STATE):
        return _seconds_apart(ours, theirs, 60)
    if difference.kind not in (Kind.COOKIE, Kind.HEADER):
        return False
    one, other = _SIGNED.fullmatch(ours), _SIGNED.fullmatch(theirs)
    if one and other:
        return one[1] == other[1] and one[2] != other[2]
    return _date_within(difference, 60) or _number_within(difference, 60)


_SECOND: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z|\+00:00)?")
"""A value that holds a second and nothing finer, as a database's `CURRENT_TIMESTAMP` writes it."""


def _seconds_apart(ours: str, theirs: str, most: int) -> bool:
    """Whether two texts of a body or a row are moments in one form, which the clock may set off."""
    first, second = (text.strip("\"'") for text in (ours, theirs))
    if _SECOND.fullmatch(first) and _SECOND.fullmatch(second) and first[19:] == second[19:]:
        one, other = (datetime.fromisoformat(text[:19]) for text in (first, second))
    else:
        date, later = http_date(first), http_date(second)
        if date is None or later is None:
            return False
        one, other = date, later
    return abs((one - other).total_seconds()) <= most


_SIGNED_WITHIN: Final = re.compile(rb"(\.?[\w-]+)\.[\w-]{5,8}\.[\w-]{20,}")


def signed_in_another_second(legacy: Response, native: Response) -> bool:
    """Whether two bodies differ only in when values in them were signed, as a form's token is."""
    ours, theirs = decoded(legacy).body, decoded(native).body
    return ours != theirs and _SIGNED_WITHIN.sub(rb"\1", ours) == _SIGNED_WITHIN.sub(rb"\1", theirs)


def _date_within(difference: Difference, seconds: float) -> bool:
    first, second = http_date(difference.legacy or ""), http_date(difference.native or "")
    if difference.kind not in (Kind.COOKIE, Kind.HEADER) or first is None or second is None:
        return False
    return abs((first - second).total_seconds()) <= seconds + 1


def _number_within(difference: Difference, seconds: float) -> bool:
    """Whether both values are a number of seconds, such as the clock makes one more or less."""
    ours, theirs = difference.legacy or "", difference.native or ""
    moments = _EPOCH.fullmatch(ours) and _EPOCH.fullmatch(theirs)
    times = difference.where in _SECONDS and ours.isdecimal() and theirs.isdecimal()
    return bool(moments or times) and abs(int(ours) - int(theirs)) <= seconds
