"""Every defect that was measured is caught by the automatic cases alone, with its cause and fix.

`ROWS` are defects in what a native route answers. `HELD` are those that its own router would have:
through the gateway Flask's URL map decides, so a client never sees them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from flask import Flask

from crossfade import mount_legacy
from crossfade.contract.cases.http_file import complete
from crossfade.contract.diagnosis import Doctor, facts_of
from crossfade.contract.engine.prover import Options, Prover
from crossfade.contract.engine.route_result import RouteResult
from crossfade.contract.engine.runner import Runner
from crossfade.contract.generation.probes import candidates, probes
from crossfade.contract.reporting.findings import doctor_of
from crossfade.contract.state.base import NoState
from crossfade.contract.transport.asgi import InProcessApp
from crossfade.messages.exchange import Response
from tests.catches import answers, around, inputs
from tests.catches.held import HELD, Held, held_flask, held_native
from tests.catches.kit import Row, flask_side, native_side

ROWS = [*answers.ROWS.rows, *inputs.ROWS.rows, *around.ROWS.rows]

# Werkzeug 3.1 limits a form's fields, and answers a number that is too long with 404.
SINCE_3_1 = {"form: over 1,000 fields", "multipart: a part over 500 kB", "int: 4,301 digits"}
OLD = tuple(map(int, version("werkzeug").split(".")[:2])) < (3, 1)


def _skip_if_old(name: str) -> None:
    if OLD and name in SINCE_3_1:
        pytest.skip("Werkzeug before 3.1 has not the behaviour that the defect departs from")


# A form that can't be parsed leaves a temporary file to the garbage collector, on either side.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@contextmanager
def gateway(native: FastAPI, legacy: Flask, routes: list[str], folder: Path) -> Iterator[Prover]:
    """Both sides; what the routes borrow from Flask would hide the defects."""
    path = folder / "migration_map.toml"
    lines = [f"{route!r} = {{ stage = 'native', hooks = 'none' }}" for route in routes]
    path.write_text("\n".join(["[bridge]", "limit_request_line = 0", "[routes]", *lines]))
    mount_legacy(native, legacy, migration_map=path)
    app = InProcessApp(native)
    app.start()
    try:
        yield Prover(Runner(app, NoState(), "http"), Options())
    finally:
        app.close()


@pytest.fixture(scope="module")
def prover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prover]:
    """The rows on both sides."""
    legacy, native = flask_side(ROWS), native_side(ROWS)
    around.add_hooks(legacy)
    around.add_middleware(native)
    with gateway(native, legacy, [row.route for row in ROWS], tmp_path_factory.mktemp("a")) as made:
        yield made


def proved(prover: Prover, route: str) -> RouteResult:
    """Every automatic case of one route."""
    return prover.prove(next(target for target in prover.targets() if target.route == route))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_caught(prover: Prover, row: Row) -> None:
    """Some case shows the difference; its cause and fix are those of the defect."""
    _skip_if_old(row.name)
    seen = []
    result = proved(prover, row.route)
    doctor = doctor_of(result, Doctor(facts_of(prover.runner.gateway, row.route)))
    for verdict in result.failures:
        outcome = verdict.outcome
        assert outcome is not None
        for difference in outcome.differences:
            causes = [each.found for each in doctor.causes(outcome, difference)]
            for cause, fix in [(each.cause, each.fix) for each in causes] or [("", "")]:
                seen.append((verdict.case.name, difference.where, difference.note, cause, fix))
                if (
                    difference.where == row.where
                    and row.note in difference.note
                    and row.cause in cause
                    and row.fix in fix
                ):
                    return
    listed = "\n".join(map(repr, dict.fromkeys(seen)))
    pytest.fail(f"missed; seen was:\n{listed[:4000]}", pytrace=False)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prover]:
    """The gateway over two applications that route differently."""
    legacy = held_flask()
    rules = [rule for rule in legacy.url_map.iter_rules() if rule.rule != "/page/"]
    routes = [f"GET {rule.rule}" for rule in rules]
    with gateway(held_native(), legacy, routes, tmp_path_factory.mktemp("b")) as made:
        yield made


@pytest.fixture(scope="module")
def alone() -> Iterator[InProcessApp]:
    """FastAPI without a gateway."""
    app = InProcessApp(held_native())
    app.start()
    yield app
    app.close()


@pytest.mark.parametrize("row", HELD, ids=lambda row: row.name)
def test_held(held: Prover, alone: InProcessApp, row: Held) -> None:
    """An automatic case asks for it; both sides answer as Flask does, FastAPI alone would not."""
    _skip_if_old(row.name)
    target = next(target for target in held.targets() if target.route == row.route)
    facts = held._facts.of(target)
    verdicts = [
        held.check(case)
        for base in candidates(facts)
        for case in (base, *probes(facts, base))
        if case.name == row.case
    ]
    assert verdicts, f"no case is named {row.case}"
    verdict = verdicts[0]
    assert verdict.agrees
    assert verdict.outcome is not None
    assert verdict.outcome.native.response.status == row.flask
    request = complete(verdict.case.request, "localhost")
    reply = alone.send(request, scheme="http", extra={}, timeout=30)
    assert reply.response.status == row.alone
    assert _seen(reply.response) != _seen(verdict.outcome.native.response)


def _seen(response: Response) -> object:
    return response.status, response.body


def test_hosts(tmp_path: Path) -> None:
    """A rule of one host is asked there; anywhere else Flask's 404 stands."""
    legacy = Flask("hosts", static_folder=None, host_matching=True)
    legacy.add_url_rule("/hosted", "hosted", lambda: "hosted", host="api.example.com")
    native = FastAPI(default_response_class=HTMLResponse)
    native.add_api_route("/hosted", lambda: "hosted")
    with gateway(native, legacy, ["GET api.example.com/hosted"], tmp_path) as prover:
        result = prover.prove(prover.targets()[0])
    assert not result.failures
    assert result.good == ("GET /hosted", 200)
    assert result.succeeded > 30
    assert result.flasks > 10
