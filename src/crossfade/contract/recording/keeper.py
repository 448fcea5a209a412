"""From an exchange that was seen to a case in a folder: redacted, deduplicated, bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from flask import Flask
from werkzeug.routing import Map

from crossfade.contract.cases.files import folder_of, write_file
from crossfade.contract.cases.http_file import Case, dump_cases
from crossfade.contract.generation.view_inspection import reads_of
from crossfade.contract.recording.places import ENOUGH, FULL, Places
from crossfade.contract.recording.redaction import Redaction, UnreadableError
from crossfade.contract.recording.shapes import shape_of
from crossfade.messages.exchange import Headers, Request
from crossfade.model import RecordSettings
from crossfade.wording import visible


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
        full: whether the folder was full once; what is more usual still takes another's place.
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
        self._read: dict[str, frozenset[str]] = {}
        self._places = Places(folder, settings, self._known_names)

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
        bare = replace(seen.request, headers=self._headers(seen.request.headers))
        shape = shape_of(bare, seen.route, self._is_logged_in(seen.request))
        names = shape.names
        self._places.note(seen.route, names)
        path = self.folder / folder_of(seen.route) / f"{seen.status}-{shape.text}.http"
        if path in self._known or path.exists():
            self._known.add(path)
            self.skipped["seen before"] += 1
            return None
        if self._places.is_hopeless(path, seen.route, names):
            self.skipped[ENOUGH] += 1
            return None
        try:
            case = self.case(seen)
        except UnreadableError as error:
            self.skipped[f"body left out: {error}"] += 1
            return None
        text = dump_cases([case])
        room = self._places.room(path, len(text.encode()), seen.route, names)
        if room.reason:
            self.full = self.full or room.reason == FULL
            self.skipped[room.reason] += 1
            return None
        if room.instead_of is not None:
            room.instead_of.unlink(missing_ok=True)
            self._known.discard(room.instead_of)
            self.skipped["replaced by what is more usual"] += 1
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
        clean = self._redaction.request(request, seen.route.partition(" ")[2])
        login = self.settings.login if self._is_logged_in(seen.request) else ""
        name = visible(f"{clean.method} {clean.raw_path.decode('latin-1')}")
        if len(name) > _LONGEST_NAME:
            name = f"{name[: _LONGEST_NAME - 1]}…"
        if seen.status:
            name += f" → {seen.status}"
        return Case(clean, name, seen.route, login, origin=seen.origin)

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

    def _known_names(self, route: str) -> frozenset[str]:
        """Names that the view of a route reads, as far as its source shows."""
        found = self._read.get(route)
        if found is None:
            method, _, rule = route.partition(" ")
            rules = [] if self._flask_app is None else self._flask_app.url_map.iter_rules()
            endpoints = {each.endpoint for each in rules if each.rule == rule}
            views = [] if self._flask_app is None else self._flask_app.view_functions.items()
            reads = [reads_of(view, method) for name, view in views if name in endpoints]
            found = self._read[route] = frozenset(
                name
                for each in reads
                for names in (each.query, each.form, each.files, each.headers, each.keys)
                for name in names
            )
        return found


_LONGEST_NAME: Final = 120

# fmt: off
_DROPPED: Final = frozenset({
    "host", "content-length", "connection", "transfer-encoding", "keep-alive", "user-agent", "via",
    "forwarded", "x-real-ip", "x-request-id", "x-correlation-id", "traceparent", "tracestate",
    "priority", "dnt", "te", "upgrade-insecure-requests", "accept-encoding", "true-client-ip",
    "x-client-ip", "x-cluster-client-ip", "fastly-client-ip", "baggage", "sentry-trace", "newrelic",
    "x-cloud-trace-context", "x-trace-id", "x-amz-cf-id",
})
_DROPPED_FAMILIES: Final = (
    "x-forwarded-", "sec-", "cf-", "x-amzn-", "x-envoy-", "x-b3-", "x-datadog-", "x-azure-",
)
# fmt: on


def _asks_for_host(app: Flask) -> bool:
    url_map: Map = app.url_map
    return url_map.host_matching or bool(getattr(app, "subdomain_matching", False))


def _is_forgery_guard(name: str) -> bool:
    return "csrf" in name or "xsrf" in name
