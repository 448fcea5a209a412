"""Flask through the gateway answers as Flask under gunicorn, byte for byte, to the same bytes."""

from __future__ import annotations

import pytest

from tests.bridge.compare import Outcome, run, statuses
from tests.bridge.conftest import GATEWAY
from tests.bridge.probes import (
    CLASSES,
    DIFFERENCES,
    HOST,
    PARSERS,
    WEBSOCKET,
    WEBSOCKETS,
    Probe,
    head,
    raw,
)
from tests.servers import Server, uvicorn

_known: dict[str, Outcome] = {}

ALL = [
    pytest.param(probe, id=f"{name}: {probe.name}")
    for name, probes in CLASSES.items()
    for probe in probes
]


def of_gunicorn(server: Server, probe: Probe) -> Outcome:
    """What gunicorn gave, asked once for all parsers."""
    if probe.name not in _known:
        _known[probe.name] = run(server, probe)
    return _known[probe.name]


@pytest.mark.parametrize("probe", ALL)
def test_equals_gunicorn(gateway: Server, direct: Server, probe: Probe) -> None:
    """Each probe: the same, or the difference that is documented."""
    expected = of_gunicorn(direct, probe)
    found = run(gateway, probe)
    if probe.differs and gateway.name.rpartition("-")[2] in probe.parsers:
        assert found != expected, f"no longer differs: remove the explanation ({probe.differs})"
        assert statuses(found) == probe.gives
    else:
        assert found == expected


def test_names_are_unique() -> None:
    """Two probes of one name would share gunicorn's answer."""
    names = [probe.name for probes in CLASSES.values() for probe in probes]
    assert len(names) == len(set(names))


def test_every_explanation_is_of_a_probe() -> None:
    """A renamed probe must not leave its explanation behind."""
    assert DIFFERENCES.keys() <= {probe.name for probes in CLASSES.values() for probe in probes}


@pytest.mark.parametrize("parser", PARSERS)
def test_without_websockets_a_handshake_is_any_request(parser: str, direct: Server) -> None:
    """Under `--ws none`, handshakes with GET and POST equal gunicorn's, with a body under h11."""
    posted = raw("POST", head("POST /echo HTTP/1.1", HOST, *WEBSOCKET, "Content-Length: 3"), b"abc")
    with uvicorn(GATEWAY, "--timeout-keep-alive", "1", http=parser, ws="none") as server:
        for probe in WEBSOCKETS:
            assert run(server, probe) == of_gunicorn(direct, probe)
        if parser == "httptools":
            assert statuses(run(server, posted)) == (400,)
        else:
            assert run(server, posted) == run(direct, posted)
