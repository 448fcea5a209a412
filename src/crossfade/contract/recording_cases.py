"""From an exchange that was seen to a case in a folder: redacted, deduplicated, bounded."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus

from flask import Flask
from werkzeug.routing import Map

from crossfade.contract.cases import Case, dump_cases
from crossfade.contract.recording_files import folder_of, write_file
from crossfade.contract.redaction import Redaction, UnreadableError
from crossfade.exchange import Headers, Request
from crossfade.model import RecordSettings


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A request that was answered.

    Attributes:
        request: as it was sent, secrets included.
        route: as the gateway spells it.
        status: of the answer; 0 where it is not known.
        origin: where it comes from: `traffic`, `har:shop.har`.
    """

    request: Request
    route: str
    status: int
    origin: str


class Keeper:
    """Keeps exchanges in a folder, one file for each shape of request to a route.

    Attributes:
        settings: what is kept.
        folder: where.
        kept: how many files this keeper has written.
        full: whether a bound is reached at which nothing more is kept.
        skipped: how many exchanges were not kept, by the reason.
    """

    def __init__(self, folder: Path, settings: RecordSettings, flask_app: Flask | None) -> None:
        self.settings = settings
        self.folder = folder
        self.kept = 0
        self.full = False
        self.skipped: Counter[str] = Counter()
        self._redaction = Redaction(settings.secrets, settings.keep)
        self._flask_app = flask_app
        self._known: set[Path] = set()

    @classmethod
    def beside(cls, map_path: Path, settings: RecordSettings, flask_app: Flask | None) -> Keeper:
        """Return a keeper whose folder is relative to the map's."""
        return cls(map_path.parent / settings.folder, settings, flask_app)

    def keep(self, seen: Exchanged) -> Path | None:
        """Write a case, unless there is one of its shape already, or no room.

        Returns:
            the file, if one was written.
        """
        if len(seen.request.body) > self.settings.max_body:
            self.skipped["body too long"] += 1
            return None
        path = self.folder / folder_of(seen.route) / f"{seen.status}-{self._shape(seen)}.http"
        if path in self._known or path.exists():
            self._known.add(path)
            self.skipped["seen before"] += 1
            return None
        try:
            case = self.case(seen)
        except UnreadableError as error:
            self.skipped[f"body left out: {error}"] += 1
            return None
        text = dump_cases([case])
        if not self._has_room(path, len(text.encode())):
            return None
        write_file(path, text)
        self._known.add(path)
        self.kept += 1
        return path

    def case(self, seen: Exchanged) -> Case:
        """Return an exchange as a case.

        Raises:
            UnreadableError: it may hold a secret that can't be found.
        """
        request = replace(seen.request, headers=self._headers(seen.request.headers))
        clean = self._redaction.request(request, self._secret_values(seen))
        login = self.settings.login if self._is_logged_in(seen.request) else ""
        name = f"{clean.method} {clean.raw_path.decode('latin-1')}"
        if seen.status:
            name += f" → {seen.status}"
        return Case(clean, name, seen.route, login, origin=seen.origin)

    def _has_room(self, path: Path, size: int) -> bool:
        files = list(self.folder.rglob("*.http"))
        disk = sum(_size(file) for file in files)
        if len(files) >= self.settings.count or disk + size > self.settings.max_disk:
            self.full = True
            self.skipped["folder is full"] += 1
            return False
        if sum(file.parent == path.parent for file in files) >= self.settings.per_route:
            self.skipped["enough of this route"] += 1
            return False
        return True

    def _headers(self, headers: Headers) -> Headers:
        """The headers that a case needs: no proxy's, and none that any client adds."""
        by_host = self._flask_app is not None and _asks_for_host(self._flask_app)
        return tuple(
            (name.lower(), value)
            for name, value in headers
            if (name.lower() == "host" and by_host)
            or (name.lower() not in _DROPPED and not name.lower().startswith(_DROPPED_FAMILIES))
        )

    def _is_logged_in(self, request: Request) -> bool:
        sessions = {"session", "remember_token"}
        if self._flask_app is not None:
            config = self._flask_app.config
            sessions |= {config["SESSION_COOKIE_NAME"], config.get("REMEMBER_COOKIE_NAME", "")}
        for name, value in request.headers:
            lower = name.lower()
            if lower == "cookie":
                pairs = (part.partition("=") for part in value.split(";"))
                if any(key.strip() in sessions and text for key, _, text in pairs):
                    return True
            elif self._redaction.is_secret(lower) and not _is_forgery_guard(lower):
                return True
        return False

    def _secret_values(self, seen: Exchanged) -> list[str]:
        """What stands in the path where the rule has a variable of a secret name."""
        names = secret_variables(seen.route, self._redaction)
        if not names:
            return []
        return list(path_values(seen.route, seen.request.raw_path, names))

    def _shape(self, seen: Exchanged) -> str:
        request = seen.request
        headers = sorted({name.lower() for name, _ in self._headers(request.headers)})
        shape = [
            seen.route,
            request.method,
            self._is_logged_in(request),
            headers,
            _media_type(request),
            _names(request.query_string),
            _body_shape(request),
        ]
        return sha256(json.dumps(shape).encode()).hexdigest()[:12]


# fmt: off
_DROPPED: Final = frozenset({
    "host", "content-length", "connection", "transfer-encoding", "keep-alive", "user-agent", "via",
    "forwarded", "x-real-ip", "x-request-id", "x-correlation-id", "traceparent", "tracestate",
    "priority", "dnt", "te", "upgrade-insecure-requests", "accept-encoding",
})
# fmt: on
_DROPPED_FAMILIES: Final = ("x-forwarded-", "sec-", "cf-", "x-amzn-", "x-envoy-", "x-b3-")


def _asks_for_host(app: Flask) -> bool:
    url_map: Map = app.url_map
    return url_map.host_matching or bool(getattr(app, "subdomain_matching", False))


def _is_forgery_guard(name: str) -> bool:
    return "csrf" in name or "xsrf" in name


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


# --- the path ------------------------------------------------------------------------------------

_VARIABLE: Final = re.compile(r"<(?:[^<>:]*:)?([^<>:]+)>")


def secret_variables(route: str, redaction: Redaction) -> frozenset[str]:
    """The variables of a route's rule whose names are secret: `/reset/<token>`."""
    return frozenset(filter(redaction.is_secret, _VARIABLE.findall(route)))


def path_values(route: str, raw_path: bytes, names: frozenset[str]) -> Iterator[str]:
    """Yield what stands in a path at these variables of its rule, as it was sent.

    Raises:
        UnreadableError: the path can't be laid over the rule.
    """
    rule = route.partition(" ")[2]
    pattern, at = "", rule.find("/")
    for variable in _VARIABLE.finditer(rule):
        kept = f"(?P<s{variable.start()}>.+?)" if variable[1] in names else ".+?"
        pattern += re.escape(rule[at : variable.start()]) + kept
        at = variable.end()
    pattern += re.escape(rule[at:])
    found = re.fullmatch(".*?" + pattern + "/?", raw_path.decode("latin-1"))
    if found is None:
        raise UnreadableError("its path holds a secret that can't be found")
    yield from found.groupdict().values()


# --- shapes --------------------------------------------------------------------------------------


def _media_type(request: Request) -> str:
    kind = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    return kind.partition(";")[0].strip().lower()


def _names(pairs: bytes) -> list[str]:
    """The names of a query or form, with whether anything stands there."""
    parts = (part.partition("=") for part in pairs.decode("latin-1").split("&") if part)
    return sorted({f"{unquote_plus(name)}={bool(value):d}" for name, _, value in parts})


def _body_shape(request: Request) -> Any:
    body, media = request.body, _media_type(request)
    if not body:
        return None
    if media == "application/x-www-form-urlencoded":
        return _names(body)
    if media == "multipart/form-data":
        found = re.findall(rb'[ ;]name="?([^";\r\n]*)', body)
        return sorted({name.decode("latin-1") for name in found})
    try:
        return _json_shape(json.loads(body), 0)
    except (ValueError, RecursionError):
        return "text"


_DEEPEST: Final = 6


def _json_shape(value: Any, depth: int) -> Any:
    if depth >= _DEEPEST:
        return type(value).__name__
    if isinstance(value, Mapping):
        return {key: _json_shape(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list):
        return [_json_shape(value[0], depth + 1)] if value else []
    return f"{type(value).__name__}{'' if value else '0'}"
