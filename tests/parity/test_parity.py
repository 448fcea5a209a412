"""The gateway answers what Flask under gunicorn answers, whoever serves a route."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.parity.probes import PROBES, Probe
from tests.servers import Closed, Connection, Server, gunicorn, uvicorn

PARSERS = ("httptools", "h11", "zttp")


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return where the maps go, and the example's settings: one database for all servers."""
    folder: Path = tmp_path_factory.mktemp("parity")
    return {
        "CROSSFADE_PARITY_MAPS": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/club.db",
    }


@pytest.fixture(scope="module")
def direct(environ: dict[str, str]) -> Iterator[Server]:
    """Flask under gunicorn."""
    with gunicorn("tests.parity.apps:direct", env=environ) as server:
        yield server


@pytest.fixture(scope="module", params=PARSERS)
def empty(
    request: pytest.FixtureRequest, environ: dict[str, str], direct: Server
) -> Iterator[Server]:
    """Gateways with empty maps, under each HTTP parser."""
    app = "tests.parity.apps:empty"
    with uvicorn(app, factory=True, http=request.param, env=environ) as server:
        yield server


@pytest.fixture(scope="module", params=PARSERS)
def native(
    request: pytest.FixtureRequest, environ: dict[str, str], direct: Server
) -> Iterator[Server]:
    """Gateways with every possible route native, under each HTTP parser."""
    app = "tests.parity.apps:native"
    with uvicorn(app, factory=True, http=request.param, env=environ) as server:
        yield server


REFUSED = {"refused": "by the server's parser"}
# Theirs, not the application's: framing is compared by the body that it delivers.
CONNECTION = {"connection", "keep-alive", "transfer-encoding"}

Answer = dict[str, Any]

# Where the application raised out of WSGI: gunicorn says neither date nor server then.
SERVERS_PAGE = b"<title>Internal Server Error</title>\n  </head>\n  <body>\n    <h1><p>"
CLOSED: Answer = {"closed": "without an answer"}
# What a parser does not hand to any application. gunicorn does, or says so in another way.
DIFFERENCES: dict[tuple[str, str], Answer] = {
    ("httptools", "http://example.test"): REFUSED,  # no path at all
    ("zttp", "/items/caf\xe9"): CLOSED,  # gunicorn refuses raw bytes with a page
    ("zttp", "/caf\xc3\xa9"): CLOSED,
}


def ask(server: Server, probe: Probe, method: str) -> tuple[Answer, str | None]:
    """Return what came back, without what no client may rely on, and who served it."""
    with Connection(server.address) as connection:
        connection.send(probe.request(method))
        try:
            response = connection.response(method)
        except Closed:
            return CLOSED, None
    sides = response.all("x-served-by")
    assert len(sides) <= 1, sides
    own = "date" if server.name == "gunicorn" else "x-served-by"
    if response.status == 400 and response.get(own) is None:
        return REFUSED, None  # in its own words, before any application saw the request
    headers: dict[str, list[str]] = {}
    for name, value in response.headers:
        headers.setdefault(name.lower(), []).append(value)
    for name in CONNECTION | {"x-served-by"}:
        headers.pop(name, None)
    for name in headers.keys() & {"date", "server"}:
        headers[name] = [f"{len(headers[name])} time(s)"]
        if SERVERS_PAGE in response.body:
            del headers[name]
    if "allow" in headers:
        headers["allow"] = sorted(",".join(headers["allow"]).replace(" ", "").split(","))
    if response.framing == "chunked":  # its length was known to one of the two only
        headers["content-length"] = [str(len(response.body))]
    answer = {
        "status": response.status,
        "headers": dict(sorted(headers.items())),
        "body": response.body,
        "complete": response.complete,
    }
    return answer, sides[0] if sides else None


@cache
def expected(server_address: tuple[str, int], probe: Probe, method: str) -> Any:
    """Return what gunicorn answers, asked once."""
    return ask(Server("gunicorn", server_address, None, Path()), probe, method)[0]  # type: ignore[arg-type]


ALL = [pytest.param(probe, id=f"{probe.app}: {probe.target}") for probe in PROBES]
MOVED = [param for param, probe in zip(ALL, PROBES, strict=True) if probe.app != "handlers"]


def differs(server: Server, probe: Probe) -> Answer | None:
    """Return what the HTTP parser gives where it does not let the request through."""
    return DIFFERENCES.get((server.name.removeprefix("uvicorn-"), probe.target))


@pytest.mark.parametrize("probe", ALL)
def test_with_an_empty_map_everything_is_flasks(
    empty: Server, direct: Server, probe: Probe
) -> None:
    """Every method: status, headers and body."""
    for method in probe.methods:
        found, side = ask(empty, probe, method)
        wanted = expected(direct.address, probe, method)
        by_parser = differs(empty, probe)
        if by_parser is not None:
            assert by_parser == found != wanted
        else:
            assert (method, found) == (method, wanted)
            assert side == (None if found == REFUSED else "flask")


@pytest.mark.parametrize("probe", MOVED)
def test_with_every_route_native_nothing_changes(
    native: Server, direct: Server, probe: Probe
) -> None:
    """What a view answered is native now; redirects, 404, 405 and OPTIONS are still Flask's."""
    for method in probe.methods:
        found, side = ask(native, probe, method)
        wanted = expected(direct.address, probe, method)
        by_parser = differs(native, probe)
        if by_parser is not None:
            assert by_parser == found != wanted
        else:
            assert (method, found) == (method, wanted)
            assert side in owners(probe, method, wanted)


def owners(probe: Probe, method: str, answer: Answer) -> tuple[str | None, ...]:
    """Return who may have given an answer, when every route with a counterpart is native."""
    if answer == REFUSED:
        return (None,)
    if probe.app == "example":  # its views do not say that they are views
        by_flask = answer["status"] in (308, 405) or method in ("OPTIONS", "PROPFIND")
        return ("flask",) if by_flask else ("flask", "fastapi")
    by_view = "x-view" in answer["headers"]
    beside = probe.app == "proxied" and not probe.target.startswith("/inner")
    return ("fastapi" if by_view and method != "PROPFIND" and not beside else "flask",)
