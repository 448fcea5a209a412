"""Django through the gateway answers as Django under gunicorn: any WSGI application is carried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bridge.compare import run, statuses
from tests.bridge.probes import FORM, MULTIPART, PARSERS, Probe, ask, post, raw
from tests.servers import Server, get, gunicorn, uvicorn
from tests.servers import request_bytes as req

pytestmark = pytest.mark.slow

JSON = "Content-Type: application/json"
PROBES = [
    ask("/echo/?a=1&a=2&b=%C3%A9+%26"),
    ask("/echo"),
    ask("/echo/", "Cookie: a=1; b=2", "X-Two: one", "X-Two: two"),
    ask("/echo/", "X-Forwarded-Host: other.test"),
    ask("/echo/", FORM, method="POST", body=b"a=1&b=%20&a=2"),
    ask("/echo/", "Content-Type: multipart/form-data; boundary=b", method="POST", body=MULTIPART),
    ask("/echo/", JSON, method="PUT", body=b'{"a": 1}'),
    ask("/echo/", method="OPTIONS"),
    ask("/echo/", method="PROPFIND"),
    ask("/items/7/"),
    ask("/items/7"),
    ask("/items/seven/"),
    ask("/raw/a%2Fb//c/../d;e=1"),
    ask("/raw/%C3%A9%20%ff"),
    ask("//raw/x"),
    ask("/upload", method="POST", body=b"x" * 100_000),
    raw("an upload in chunks", post("/upload", b"abc" * 1000, b"defg")),
    raw("two uploads on a connection", post("/upload", b"1") + post("/upload", b"22"), count=2),
    ask("/upload", FORM, method="POST", body=b"a=" + b"x" * 2_000_000),
    ask("/visit"),
    ask("/visit", "Cookie: visits=forged"),
    ask("/stream"),
    ask("/stream", method="HEAD"),
    ask("/download"),
    ask("/download", method="HEAD"),
    ask("/page"),
    ask("/page", method="HEAD"),
    ask("/page", 'If-None-Match: "0"'),
    ask("/form", FORM, method="POST", body=b"a=1"),
    ask("/fail"),
    ask("/async"),
    ask("/nothing"),
    raw("a path and then another", req("GET", "/nothing") + req("GET", "/page"), count=2),
]


@pytest.fixture(scope="module")
def direct() -> Iterator[Server]:
    """Django under gunicorn."""
    with gunicorn("tests.bridge.django_app:legacy", "--keep-alive", "1") as server:
        yield server


@pytest.fixture(scope="module", params=PARSERS)
def gateway(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Django behind the gateway, under each HTTP parser."""
    options = ("--timeout-keep-alive", "1", "--no-server-header")
    with uvicorn("tests.bridge.django_app:gateway", *options, http=request.param) as server:
        yield server


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_equals_gunicorn(gateway: Server, direct: Server, probe: Probe) -> None:
    """Statuses, headers, bodies, what comes next on the connection."""
    expected = run(direct, probe)
    assert run(gateway, probe) == expected
    assert statuses(expected) != ("closed",)


def test_a_native_route_beside_it(gateway: Server) -> None:
    """What only FastAPI has can be listed where the legacy application is not Flask."""
    assert get(gateway.address, "/native").body == b'"native"'
