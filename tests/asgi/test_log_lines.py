"""The gateway's log: no client writes lines of its own, and no configuration silences it."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse

from tests.asgi.kit import Mount, ask, ask_async, flask_with, http_scope, native_with

FORGED = "/zz%0D%0AFAKE%1B%5B31m%E2%80%AE%22"
ACCESS = "crossfade.access"


def only_line(caplog: pytest.LogCaptureFixture, name: str) -> str:
    """Return the only record of a logger, which has to be one readable line."""
    (text,) = [record.getMessage() for record in caplog.records if record.name == name]
    assert text.isprintable(), repr(text)
    return text


@pytest.mark.parametrize("side", ["flask", "fastapi"])
def test_access_log_shows_a_path_as_it_was_sent(
    mount: Mount, caplog: pytest.LogCaptureFixture, side: str
) -> None:
    """Line feeds, escape sequences, marks of direction and quotation marks stay encoded."""
    app = native_with("GET /{name}")
    mount(app, flask_with("GET /<name>"), *(["GET /<name>"] if side == "fastapi" else []))
    caplog.set_level(logging.INFO, ACCESS)
    assert ask(app, "GET", FORGED).served_by == side
    assert only_line(caplog, ACCESS) == f'{side} answered "GET {FORGED}" with 200'


def test_access_log_quotation_mark_ends_nothing(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """One that was sent as it is, and a path of a server that hands on the decoded one alone."""
    app = native_with()
    mount(app, flask_with())
    caplog.set_level(logging.INFO, ACCESS)
    ask(app, "GET", '/a"b', raw_path=b'/a"b')
    assert only_line(caplog, ACCESS) == 'flask answered "GET /a%22b" with 404'
    caplog.clear()
    ask(app, "GET", "/a", path='/\n"\x1b', raw_path=None)
    assert only_line(caplog, ACCESS) == 'flask answered "GET /%0A%22%1B" with 404'


def test_failure_of_a_view_is_logged_on_one_line(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """What the application raises through the bridge."""
    legacy = flask_with()
    legacy.config["PROPAGATE_EXCEPTIONS"] = True

    def fail(name: str) -> str:
        raise ZeroDivisionError

    legacy.add_url_rule("/<name>", view_func=fail)
    app = native_with()
    mount(app, legacy)
    assert ask(app, "GET", FORGED).status == 500
    assert only_line(caplog, "crossfade.bridge") == f"Error handling request GET {FORGED}"


def test_failure_of_a_native_route_is_logged_on_one_line(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a handler of any exception, registered after `mount_legacy`, answers it."""
    app = FastAPI(openapi_url=None)

    @app.get("/{name}")
    def fail(name: str) -> None:
        raise ZeroDivisionError

    mount(app, flask_with("GET /<name>"), "GET /<name>")

    @app.exception_handler(Exception)
    def answer(_: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("sorry", 500)

    ask(app, "GET", FORGED)
    text = only_line(caplog, "crossfade.compat")
    assert text == r"/zz\r\nFAKE\x1b[31m\u202e" + "\" failed; FastAPI's handler answered"


@pytest.mark.parametrize(
    "more",
    [
        {"headers": [(b"x-a", b"1\r\nFAKE")]},
        {"headers": [(b"x\r\nfake", b"1")]},
        {"headers": [(b"expect", b"\xc2\x9b31m\xe2\x80\xae")]},
        {"headers": [(b"transfer-encoding", b"\xe2\x80\xae")]},
        {"method": "GET\r\nFAKE"},
        {"http_version": "9\r\n"},
        {"client": ("1.2.3.4\nFAKE", 1)},
    ],
    ids=["value", "name", "expectation", "coding", "method", "version", "peer"],
)
def test_refusal_is_logged_on_one_line(
    mount: Mount, caplog: pytest.LogCaptureFixture, more: dict[str, Any]
) -> None:
    """Whatever part of the head it is about."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a"), "GET /a")
    target = "/a" if "client" not in more else "/a?" + "b" * 5000
    scope = {**http_scope("GET", target), **more}
    asyncio.run(ask_async(app, scope))
    assert only_line(caplog, "crossfade.bridge").startswith("invalid request from ip=")


@pytest.mark.parametrize("logger", ["", "crossfade"])
def test_access_log_is_silent_unless_it_has_a_level_of_its_own(
    mount: Mount, caplog: pytest.LogCaptureFixture, logger: str
) -> None:
    """An application whose root logger is at INFO has no line for each request, as under Flask."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a", "GET /b"), "GET /a")
    caplog.set_level(logging.INFO, logger)
    caplog.clear()
    assert [ask(app, "GET", path).status for path in ("/a", "/b")] == [200, 200]
    assert [r for r in caplog.records if r.name.startswith("crossfade")] == []


CONFIGURED = """
import logging.config, sys
from pathlib import Path
from fastapi import FastAPI
from flask import Flask
import crossfade
from tests.asgi.kit import ask

def create_app():
    logging.config.dictConfig({
        "version": 1,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
    })
    app = Flask("shop")
    @app.get("/guarded")
    def guarded():
        return "x"
    @app.before_request
    def check(): ...
    @app.get("/fails")
    def fails():
        raise ZeroDivisionError
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app

app = FastAPI()
app.add_api_route("/guarded", lambda: "x")
path = Path(sys.argv[1])
path.write_text('[routes]\\n"GET /guarded" = {stage = "native", hooks = "none"}')
gateway = crossfade.mount_legacy(app, create_app(), migration_map=path)
logging.config.dictConfig({"version": 1})
ask(app, "GET", "/fails")
path.write_text('[routes]\\n"GET /nowhere" = "native"')
while gateway.live.rejected is None:
    gateway.live.poll()
"""


def test_dict_config_of_the_application_silences_nothing_of_ours(tmp_path: Path) -> None:
    """With its default `disable_existing_loggers`: before mounting, and once more after it."""
    command = [sys.executable, "-c", CONFIGURED, str(tmp_path / "migration_map.toml")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "a native answer skips" in run.stderr
    assert "Error handling request GET /fails\nTraceback" in run.stderr
    assert "not taken over" in run.stderr
    assert "unknown route" in run.stderr
