"""Flask-Compress on one side, Starlette's GZipMiddleware on the other: what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from flask_compress import Compress
from starlette.middleware.gzip import GZipMiddleware

from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse
from crossfade.contract import ContractFailed
from crossfade.contract.engine.runner import Runner
from crossfade.contract.run.client import Contract
from crossfade.contract.state.base import NoState
from crossfade.contract.transport.asgi import InProcessApp

LONG = {"words": ["crossfade"] * 400}


def make(map_file: Path, native_gzips: bool) -> FastAPI:
    """Return a gateway whose route leaves Flask's hooks out."""
    legacy = flask.Flask(__name__, static_folder=None)
    Compress(legacy)
    app = FastAPI(default_response_class=FlaskJSONResponse)

    @legacy.get("/long")
    def long() -> Any:
        return flask.jsonify(LONG)

    @app.get("/long")
    def native_long() -> Any:
        return LONG

    @legacy.get("/other")
    def other() -> Any:
        return flask.jsonify(LONG)

    @app.get("/other")
    def native_other() -> Any:
        return {"words": ["crossfade"] * 399 + ["Crossfade"]}

    hooks = "none" if native_gzips else "flask"
    stage = f'{{ stage = "native", hooks = "{hooks}" }}'
    map_file.write_text(f'[routes]\n"GET /long" = {stage}\n"GET /other" = {stage}\n')
    mount_legacy(app, legacy, migration_map=map_file)
    if native_gzips:
        app.add_middleware(GZipMiddleware)
    return app


@pytest.fixture
def contract(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Contract]:
    """Return a contract; the parameter says whether FastAPI compresses by itself."""
    app = InProcessApp(make(tmp_path / "map.toml", native_gzips=request.param))
    app.start()
    yield Contract(Runner(app, NoState(), "http"), base_url="http://localhost", timeout=30)
    app.close()


@pytest.mark.parametrize("contract", [True], indirect=True)
@pytest.mark.parametrize("accepted", ["br", "zstd", "zstd, br", "gzip, br"])
def test_two_compressors(contract: Contract, accepted: str) -> None:
    """The bodies are read; what differs is the coding, with its cause and fix."""
    with pytest.raises(ContractFailed) as caught:
        contract.get("/long", headers={"accept-encoding": accepted})
    text = " ".join(str(caught.value).split())
    assert "header.content-encoding: " in text
    assert "body" not in text.partition("header.")[2].replace("bodies", "").split("why:")[0]
    assert "GZipMiddleware" in text
    assert "let one place compress for both sides" in text
    assert {each.where for each in contract.outcomes[0].differences} <= {
        "header.content-encoding",
        "header.vary",
    }


@pytest.mark.parametrize("contract", [True], indirect=True)
def test_what_they_hold_is_compared(contract: Contract) -> None:
    """By its value, in whatever way it was compressed."""
    with pytest.raises(ContractFailed, match=r'body\.words\[399\]: Flask "crossfade", FastAPI "C'):
        contract.get("/other", headers={"accept-encoding": "br"})


@pytest.mark.parametrize("contract", [False], indirect=True)
@pytest.mark.parametrize("accepted", ["gzip", "br", "zstd", "identity"])
def test_borrowed(contract: Contract, accepted: str) -> None:
    """With Flask's hooks around the native route Flask-Compress compresses both."""
    contract.get("/long", headers={"accept-encoding": accepted})
    (outcome,) = contract.outcomes
    coding = () if accepted == "identity" else (accepted,)
    assert outcome.native.response.values("content-encoding") == coding
