"""Frozen values that every layer of crossfade shares. They do no I/O and import nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, Field

# Read by pydantic when the migration map is validated: an unknown key is an error.
_TABLE: Final[dict[str, Any]] = {"extra": "forbid"}

FORCE_SIDE: Final = "crossfade.force_side"
"""Scope key. An in-process caller (the contract tests) sets it to a `Side` to choose who answers.

No client can set it: an ASGI server never copies anything of a request to a key of this name.
"""

RAISED: Final = "crossfade.raised"
"""Scope key of a list for the exception that a native route raised, with its traceback.

Only an in-process caller puts one there: on a server nobody looks at it, and it would keep its
frames alive. A list, since the scope that a route sees may be a copy.
"""

SELECTION: Final = "crossfade.selection"
"""Scope key under which the gateway leaves the `Selection` that it made for a request."""

SERVER_SOFTWARE: Final = "gunicorn/27.0.1"
"""The server that applications are told of by default: the one that the bridge behaves like."""


class Side(str, Enum):
    """An implementation that can answer a request."""

    LEGACY = "legacy"
    NATIVE = "native"

    @property
    def framework(self) -> str:
        """The name in `X-Served-By` and in log records: `flask` or `fastapi`."""
        return "flask" if self is Side.LEGACY else "fastapi"


class Stage(str, Enum):
    """How far a route has moved, as written in the migration map."""

    LEGACY = "legacy"
    NATIVE = "native"


class Hooks(str, Enum):
    """What a native route borrows from Flask, as written in the migration map."""

    FLASK = "flask"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RouteName:
    """A route's two halves: one method on one URL rule.

    Attributes:
        method: in capitals, `GET`.
        rule: Flask's spelling (`/users/<int:user_id>`) or FastAPI's (`/users/{user_id}`); with a
            host or subdomain in front where the application routes by it (`api.example.com/users`).
    """

    method: str
    rule: str

    def __str__(self) -> str:
        """Return the route as a map spells it."""
        return f"{self.method} {self.rule}"


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """The `[bridge]` table: how legacy requests cross to the WSGI application.

    Attributes:
        threads: how many ordinary requests the WSGI application answers at a time.
        queue: how many more may wait for a thread. One past it is answered 503.
        queue_timeout: seconds that a request may wait for a thread before it is answered 503.
        streams: how many responses and large uploads may be under way at a time beside the
            ordinary requests, each on a thread of its own, so that they never starve those.
            One past it is answered 503.
        retry_after: seconds, the `Retry-After` of every 503.
        request_buffer: bytes of a request's body that are read before a thread is taken, and the
            window that a longer body is streamed through.
        response_buffer: bytes that the application may be ahead of its client.
        max_body: bytes of a request's body past which it is answered 413, on both sides. None: no
            limit, as under gunicorn.
        client_timeout: seconds after which a client that neither sends nor takes a byte is given
            up. None: never.
        body_timeout: seconds that a request's body may be waited for in all, and one second more
            for every `min_body_rate` bytes of it that have come. Past it: 408. None: no such limit.
        min_body_rate: bytes a second, see `body_timeout`.
        shutdown_timeout: seconds that `aclose` waits for the threads that are still at work.
        limit_request_line: bytes of a request line (method, target and protocol) past which it
            is answered 414, whichever application owns the route. 0: no limit.
        limit_request_fields: header fields of a request past which it is answered 431. 0: no limit.
        limit_request_field_size: bytes of one header field, its name included, past which the
            request is answered 431. 0: no limit.
        server_software: what the application is told of its server (`SERVER_SOFTWARE`), the name
            first: some look for it.
    """

    threads: Annotated[int, Field(ge=1)] = 10
    queue: Annotated[int, Field(ge=0)] = 1000
    queue_timeout: Annotated[float, Field(gt=0)] = 30.0
    streams: Annotated[int, Field(ge=0)] = 256
    retry_after: Annotated[int, Field(ge=0)] = 1
    request_buffer: Annotated[int, Field(ge=1)] = 262_144
    response_buffer: Annotated[int, Field(ge=1)] = 131_072
    max_body: Annotated[int, Field(ge=0)] | None = None
    client_timeout: Annotated[float, Field(gt=0)] | None = 120.0
    body_timeout: Annotated[float, Field(gt=0)] | None = 60.0
    min_body_rate: Annotated[int, Field(ge=1)] = 240
    shutdown_timeout: Annotated[float, Field(ge=0)] = 5.0
    limit_request_line: Annotated[int, Field(ge=0)] = 4094
    limit_request_fields: Annotated[int, Field(ge=0)] = 100
    limit_request_field_size: Annotated[int, Field(ge=0)] = 8190
    server_software: Annotated[str, Field(min_length=1)] = SERVER_SOFTWARE

    __pydantic_config__: ClassVar[dict[str, Any]] = _TABLE


def _guard_name(value: str) -> str:
    if not value or {*"*?[] "} & set(value):
        raise ValueError(
            f'guards = ["{value}"] is not the name of a decorator: name each guard that the '
            "handler has of its own. A pattern would also cover a guard that the view gets later"
        )
    return value


GuardName = Annotated[str, AfterValidator(_guard_name)]
"""The name of a decorator of Flask's views, in any of its spellings."""

_Place = Annotated[str, Field(pattern=r"^[A-Za-z_]\S*$")]
"""A pattern for a place in the code. It begins with a name, so that none means everything."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The `[gateway]` table: what the gateway itself adds. By default: nothing.

    Attributes:
        served_by_header: add `X-Served-By: flask` or `fastapi` to every answer.
        status_path: a URL path (`/_crossfade`) that answers with the live state as JSON: the
            map's revision, its problems and who answers each route. None: no such URL. Without a
            `status_token` it answers this machine alone: requests for localhost, through no proxy.
        status_token: `env:NAME`, the environment variable with the token that `status_path` asks
            for (`Authorization: Bearer …`). Whoever has it is answered, from anywhere.
        api_docs: serve FastAPI's own `/docs`, `/redoc` and `/openapi.json` where Flask has nothing
            at these URLs. False: such a URL is answered by Flask, like every URL that is not
            listed. None: the same, and said when the server starts.
        document_legacy: let these pages show Flask's routes too, and of either side what answers
            now. False: as FastAPI has them.
        document_exclude: routes that these pages leave out, whoever answers them: patterns with
            `*` for a rule (`/admin/*`) or a route (`DELETE *`).
        skipped_middleware: WSGI middleware around Flask that native routes can do without, by its
            place in the code: patterns with `*` (`shop.wsgi.*`). What may decide who may call has
            to be named in full.
        harmless_decorators: decorators of Flask's views that no answer depends on, by their
            names: patterns with `*` (`shop.timing.*`). As with middleware, a guard has to be
            named in full; one that crossfade knows can't be named here.
        shared_session_cookie: a session middleware of FastAPI's that has the name of Flask's
            session cookie reads and writes Flask's format, on purpose.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _TABLE

    served_by_header: bool = False
    status_path: Annotated[str, Field(pattern="^/.")] | None = None
    status_token: Annotated[str, Field(pattern=r"^env:[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    api_docs: bool | None = None
    document_legacy: bool = True
    document_exclude: tuple[str, ...] = ()
    skipped_middleware: tuple[_Place, ...] = ()
    harmless_decorators: tuple[_Place, ...] = ()
    shared_session_cookie: bool = False


@dataclass(frozen=True, slots=True)
class ContractSettings:
    """The `[contracts]` table: what a route has to have proven.

    Attributes:
        require_receipts: refuse to boot, or to take over an edit, where a native route has no
            valid receipt.
        receipts: the folder of the receipts, relative to the map's.
        min_strength: the share of broken answers that the contract of a route has to notice, from
            above 0 to 1. What less is noticed of proves nothing.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _TABLE

    require_receipts: bool = False
    receipts: Annotated[str, Field(min_length=1)] = "contract-receipts"
    min_strength: Annotated[float, Field(gt=0, le=1)] = 0.5


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """The `[record]` table: which requests of live traffic are kept as cases. By default: none.

    Attributes:
        share: of the requests, from 0.0 (none) to 1.0 (all), which are looked at.
        folder: where the cases go, in the map's folder and in none that is served.
        count: of cases in the folder at most.
        per_route: of cases of one route at most.
        max_body: bytes of a request's body past which it is not kept.
        max_disk: bytes in the folder at most.
        login: the name in `contract_logins` for requests whose session or credentials are left out.
        secrets: names of headers, cookies and fields that are secret too.
        keep: names that are not secret after all, also of cookies; media types of binary bodies.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _TABLE

    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    folder: Annotated[str, Field(min_length=1)] = "contracts/recorded"
    count: Annotated[int, Field(ge=1)] = 1000
    per_route: Annotated[int, Field(ge=1)] = 20
    max_body: Annotated[int, Field(ge=0)] = 65_536
    max_disk: Annotated[int, Field(ge=1)] = 67_108_864
    login: Annotated[str, Field(min_length=1)] = "member"
    secrets: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


def _day(value: Any) -> Any:
    """A date that came as text, because the map is validated as JSON."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return value  # pydantic says what is wrong with it


@dataclass(frozen=True, slots=True)
class Waiver:
    """A route's key `receipt`: it may be native without a valid receipt.

    Attributes:
        waived: why.
        until: the last day on which that counts.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _TABLE

    waived: Annotated[str, Field(min_length=1)]
    until: Annotated[date, BeforeValidator(_day)]


@dataclass(frozen=True, slots=True)
class Selection:
    """Who answers one request, decided once and left in `scope[SELECTION]`.

    Attributes:
        side: who answers.
        route: the route as the gateway spells it (`GET /users/<int:user_id>`), or None where
            no rule matched and Flask decides alone (404, 405, redirects).
        revision: SHA-256 (hex) of the migration map by which it was decided.
    """

    side: Side
    route: str | None
    revision: str
