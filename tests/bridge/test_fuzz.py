"""A short run of the fuzzer, and what its long runs have found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.bridge import fuzz
from tests.bridge.compare import run
from tests.bridge.probes import PARSERS, Probe
from tests.servers import Server, gunicorn

pytestmark = pytest.mark.slow

SEED = 2026
COUNT = 1500


@pytest.fixture(scope="module", params=PARSERS)
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    """The fuzzer's application under gunicorn and behind the gateway."""
    with contextlib.ExitStack() as stack:
        direct, gateway = map(stack.enter_context, fuzz.servers(request.param))
        yield direct, gateway


def test_every_difference_is_explained(both: tuple[Server, Server]) -> None:
    """Of generated requests: `python -m tests.bridge.fuzz` runs as many as you like."""
    result = fuzz.fuzz(*both, SEED, range(COUNT))
    assert result.count == COUNT
    assert result.unexplained == []


def test_cases_are_reproducible() -> None:
    """A case depends on its seed and number alone; another seed gives others."""
    assert fuzz.generate(1, 7) == fuzz.generate(1, 7)
    assert fuzz.generate(1, 7) != fuzz.generate(2, 7)


def test_a_difference_is_found(both: tuple[Server, Server]) -> None:
    """The fuzzer can fail: against a server of another application hardly a case is equal."""
    direct, gateway = both
    other = Server(gateway.name, direct.address, gateway.process, gateway.log_path)
    assert fuzz.fuzz(direct, other, SEED, range(50)).unexplained == []
    with gunicorn("tests.bridge.apps:legacy") as wrong:
        assert fuzz.fuzz(wrong, gateway, SEED, range(50), limit=5).unexplained != []


# What it has found

FOUND = [
    Probe("a query after a fragment is none", b"GET /..#f?a=/? HTTP/1.1\r\nHost: a\r\n\r\n"),
    Probe("an expectation of nothing", b"GET /a HTTP/1.1\r\nHost: a\r\nExpect:\r\n\r\n"),
    Probe("a one-letter method", b"X /a HTTP/1.1\r\nHost: a\r\n\r\n"),
    Probe("a control character in a value", b"GET /a HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n"),
    Probe("a length with zeros", b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 003\r\n\r\nabc"),
    Probe("HTTP/1.0 knows no 100", b"GET /a HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"),
    Probe("OPTIONS *", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
]


@pytest.mark.parametrize("probe", FOUND, ids=lambda probe: probe.name)
def test_found(both: tuple[Server, Server], probe: Probe) -> None:
    """Equal since then, but for a fragment that httptools does not hand on."""
    direct, gateway = both
    expected, found = run(direct, probe), run(gateway, probe)
    if expected != found:
        case = fuzz.Case(probe.packets[0], "GET", frozenset({"fragment"}))
        assert gateway.name.endswith("httptools")
        assert fuzz.explain(case, expected, found, "httptools") == "httptools drops the fragment"


def test_uvicorn_counts_trailers_as_headers_under_httptools(both: tuple[Server, Server]) -> None:
    """A trailer in the packet of its request is seen as a header: a reason for h11 or zttp.

    When this fails for httptools, uvicorn has mended it and the docs can say so.
    """
    _, gateway = both
    data = (
        b"POST /sentinel-1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\na\r\n0\r\nX-Remote-User: admin\r\n\r\n"
    )
    (found,) = run(gateway, Probe("trailer", data))
    assert (b"admin" in found["body"]) == gateway.name.endswith("httptools")
