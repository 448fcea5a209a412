"""Chance is the same for both sides, and comes back afterwards."""

# ruff: noqa: S311 - what is drawn here is no secret

from __future__ import annotations

import random
import secrets
import uuid

from crossfade.contract import frozen
from crossfade.contract.engine.runner import Runner
from crossfade.contract.run.client import Contract
from crossfade.contract.state.base import NoState
from crossfade.contract.transport.asgi import InProcessApp
from tests.plugin.fake_gateway import Answer, Asked, FakeGateway


def _drawn() -> tuple[object, ...]:
    return random.random(), uuid.uuid4(), secrets.token_hex(), random.SystemRandom().random()


def test_chance_is_the_same_for_each_request() -> None:
    """Both sides draw alike, whatever module they draw from."""
    once = frozen(seed=1)
    with once():
        first = _drawn()
    with once():
        second = _drawn()
    with frozen(seed=2)():
        third = _drawn()
    assert first == second
    assert not set(first) & set(third)
    assert uuid.uuid4() != uuid.uuid4()


def test_chance_comes_back() -> None:
    """What a test drew before goes on as if nothing had been."""
    random.seed(7)
    expected = [random.random() for _ in range(4)]
    random.seed(7)
    found = [random.random(), random.random()]
    with frozen()():
        random.random()
    assert [*found, random.random(), random.random()] == expected


def test_the_sides_agree_on_what_they_draw() -> None:
    """A contract of an answer that holds a UUID."""

    def view(asked: Asked) -> Answer:
        return Answer(200, f'"{uuid.uuid4()}"'.encode())

    app = InProcessApp(FakeGateway({"GET /x": (view, view)}))
    app.start()
    try:
        runner = Runner(app, NoState(), "http", frozen())
        contract = Contract(runner, base_url="http://localhost", timeout=30)
        contract.get("/x")
        assert not contract.outcomes[0].noise
    finally:
        app.close()
