"""Printed fixes work: the mistake shows its cause, and once it is mended as printed nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flask
import pytest
from fastapi import FastAPI

from crossfade import mount_legacy
from crossfade.contract import SQLAlchemyState
from crossfade.contract.diagnosis import Doctor, facts_of
from crossfade.contract.engine.prover import Options, Prover
from crossfade.contract.engine.route_result import RouteResult
from crossfade.contract.engine.runner import Runner
from crossfade.contract.reporting.findings import Finding, doctor_of, findings
from crossfade.contract.state.base import NoState, State
from crossfade.contract.transport.asgi import InProcessApp
from tests.diagnosis import mends_answers, mends_input
from tests.diagnosis.mending import MENDS, Mend

assert {mends_input, mends_answers}  # fill the list

pytestmark = [
    pytest.mark.slow,
    pytest.mark.newest_versions,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@contextmanager
def gateway(each: Mend, folder: Path, mended: bool) -> Iterator[Prover]:
    """Both sides of one mistake."""
    legacy, native = flask.Flask("mends", static_folder=None), FastAPI()
    legacy.secret_key = "k"
    legacy.config["DATABASE"] = folder / "shop.db"
    state: State = NoState()
    if each.state:
        with sqlite3.connect(folder / "shop.db") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name)")
        connection.close()
        state = SQLAlchemyState(f"sqlite:///{folder / 'shop.db'}")
    each.build(legacy, native, mended)
    stage, hooks = ("native", "flask") if mended else (each.stage, each.hooks)
    path = folder / "migration_map.toml"
    path.write_text(f'[routes]\n"{each.route}" = {{ stage = "{stage}", hooks = "{hooks}" }}\n')
    mount_legacy(native, legacy, migration_map=path)
    app = InProcessApp(native)
    app.start()
    try:
        yield Prover(Runner(app, state, "http"), Options())
    finally:
        app.close()
        if isinstance(state, SQLAlchemyState):
            state.close()


def proved(prover: Prover, route: str) -> tuple[RouteResult, list[Finding]]:
    """Every automatic case of the route, and what is found."""
    result = prover.prove(next(each for each in prover.targets() if each.route == route))
    doctor = doctor_of(result, Doctor(facts_of(prover.runner.gateway, route)))
    return result, findings(result.failures, doctor)


@pytest.mark.parametrize("each", MENDS, ids=lambda each: f"{each.code} {each.build.__name__}")
def test_a_fix_that_is_done_as_printed_mends_the_route(each: Mend, tmp_path: Path) -> None:
    """Before it the cause is found, with the words of the fix; after it the route is proven."""
    with gateway(each, tmp_path, mended=False) as prover:
        before, found = proved(prover, each.route)
    fixes = [cause["fix"] for one in found for cause in one.causes if cause["code"] == each.code]
    assert fixes, [(one.what, one.causes) for one in found]
    assert any(all(word in fix for word in each.words) for fix in fixes), fixes
    with gateway(each, tmp_path, mended=True) as prover:
        after, found = proved(prover, each.route)
    assert [(one.what, one.cases) for one in found] == []
    assert after.succeeded
    # What the fix takes out of FastAPI's document must not take cases away.
    assert after.succeeded >= before.succeeded // 2
    assert len(after.verdicts) >= len(before.verdicts) * 0.9
