"""Suites of other clients than Flask's: recorded alike, and loud where nothing is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from crossfade.checks.wsgi_middleware import middleware_around
from crossfade.contract.cases.http_file import Case, read_cases
from crossfade.contract.suites.record import SuiteRedaction
from crossfade.contract.suites.test_client import Suite
from tests.plugin.test_plugin import QUIET

pytestmark = pytest.mark.slow

APP = """
import secrets
from flask import Flask, abort, request, session
from werkzeug.middleware.proxy_fix import ProxyFix
from fastapi import Depends, FastAPI
from crossfade import mount_legacy
from crossfade.compat import flask_view

class Own(Flask):
    def wsgi_app(self, environ, start):
        return super().wsgi_app(environ, start)

def create_app(kind=Flask):
    app = kind("shop", static_folder=None)
    app.secret_key = "fake"

    @app.route("/echo", methods=["GET", "POST"])
    def echo():
        session["n"] = session.get("n", 0) + 1
        text = request.get_data(as_text=True) if request.method == "POST" else ""
        return {"n": session["n"], "body": text}

    return app

app = create_app()
app.wsgi_app = ProxyFix(app.wsgi_app)

def create_native(flask_app):
    native = FastAPI(openapi_url=None)
    echo = flask_app.view_functions["echo"]
    native.add_api_route("/echo", flask_view(echo), methods=["GET", "POST"], response_model=None)
    return native
"""

CONFTEST = "import shop\n"

TESTS = """
import io
import pytest
import shop
from flask.testing import FlaskClient
from threading import Thread
from werkzeug.test import Client, EnvironBuilder, create_environ, run_wsgi_app

def start(status, headers, exc_info=None):
    pass

def test_flask():
    client = shop.app.test_client()
    assert client.post("/echo", data=b"x").json["n"] == 1
    assert client.post("/echo", data=b"x").json["n"] == 2

def test_flask_client_class():
    class Mine(FlaskClient):
        pass
    assert Mine(shop.create_app()).get("/echo?mine").json["n"] == 1

def test_werkzeug():
    client = Client(shop.create_app())
    assert client.get("/echo?a=1").json["n"] == 1
    assert client.post("/echo", json={"b": 2}).json["n"] == 2

def test_werkzeug_of_wsgi_app():
    assert Client(shop.app.wsgi_app).get("/echo?behind").json["n"] == 1
    assert Client(shop.create_app().wsgi_app).get("/echo?bare").json["n"] == 1

def test_bare_calls():
    environ = create_environ("/echo", query_string="bare=1")
    assert b"".join(shop.app(environ, start))
    environ = EnvironBuilder("/echo", method="POST", data=b"raw").get_environ()
    assert b'"raw"' in b"".join(shop.app.wsgi_app(environ, start))
    body, status, headers = run_wsgi_app(shop.create_app(shop.Own), create_environ("/echo?own"))
    assert status == "200 OK"

class Sent:
    "A body as requests-wsgi-adapter has it: no `seekable`."
    def __init__(self, data):
        self._data = io.BytesIO(data)
    def read(self, amount=None):
        return self._data.read(amount)

def test_adapter():
    environ = create_environ("/echo?adapter")
    environ.update({"CONTENT_LENGTH": 0, "CONTENT_TYPE": "", "wsgi.input": Sent(b"")})
    b"".join(shop.create_app()(environ, start))
    environ = create_environ("/echo", method="POST")
    environ.update({"CONTENT_LENGTH": "4", "CONTENT_TYPE": "text/plain"})
    environ["wsgi.input"] = Sent(b"a=ok")
    assert b"a=ok" in b"".join(shop.create_app()(environ, start))

def test_httpx():
    import httpx
    transport = httpx.WSGITransport(shop.create_app())
    with httpx.Client(transport=transport, base_url="http://a") as client:
        assert client.get("/echo?httpx=1").json()["n"] == 1
        assert client.get("/echo?httpx=2").json()["n"] == 2

def test_threads():
    app = shop.create_app()
    threads = [Thread(target=lambda: app.test_client().get("/echo?thread")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

def test_webtest():
    webtest = pytest.importorskip("webtest")
    one, two = webtest.TestApp(shop.create_app()), webtest.TestApp(shop.app)
    assert one.get("/echo").json["n"] == 1
    assert one.post("/echo", {"a": "1"}).json["n"] == 2
    assert two.get("/echo").json["n"] == 1
    assert two.post_json("/echo", {"a": 1}).json["n"] == 2
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite of many clients; its conftest imports the application before anything stands by."""
    folder = tmp_path_factory.mktemp("clients") / "shop"
    folder.mkdir()
    ini = "[pytest]\nfilterwarnings = error\ncrossfade_native_app = shop:create_native\n"
    for name, text in {
        "shop.py": APP,
        "conftest.py": CONFTEST,
        "test_shop.py": TESTS,
        "pytest.ini": ini,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a suite as its team does."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *QUIET, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def cases(project: Path) -> dict[str, list[Case]]:
    """What was recorded of each test."""
    result = run(project, "--crossfade-record=cases")
    assert result.returncode == 0, result.stdout
    found: dict[str, list[Case]] = {}
    for case in read_cases(project / "cases/test_shop.http"):
        found.setdefault(case.origin.partition("::test_")[2], []).append(case)
    return found


@pytest.mark.parametrize(
    ("test", "lines"),
    [
        ("flask", ["POST /echo", "POST /echo"]),
        ("flask_client_class", ["GET /echo?mine"]),
        ("werkzeug", ["GET /echo?a=1", "POST /echo"]),
        ("werkzeug_of_wsgi_app", ["GET /echo?behind", "GET /echo?bare"]),
        ("bare_calls", ["GET /echo?bare=1", "POST /echo", "GET /echo?own"]),
        ("adapter", ["GET /echo?adapter", "POST /echo"]),
        ("httpx", ["GET /echo?httpx=1", "GET /echo?httpx=2"]),
        ("threads", ["GET /echo?thread"] * 4),
    ],
)
def test_recording_sees_each_request_once(
    cases: dict[str, list[Case]], test: str, lines: list[str]
) -> None:
    """Whichever client sends it, and however it calls the application."""
    assert [case.request.line for case in cases[test]] == lines


def test_recording_keeps_bodies_of_other_clients(cases: dict[str, list[Case]]) -> None:
    """Byte for byte, whatever kind of stream they come in."""
    assert cases["adapter"][1].request.body == b"a=ok"
    assert cases["bare_calls"][1].request.body == b"raw"


def test_recording_of_webtest_tells_clients_by_their_cookies(cases: dict[str, list[Case]]) -> None:
    """Two clients of one test, each with its session, and no cookie written down."""
    pytest.importorskip("webtest")
    sent = cases["webtest"]
    assert [case.client for case in sent] == ["", "", "2", "2"]
    assert not [case for case in sent if case.request.values("cookie")]
    assert sent[1].request.body == b"a=1"


def test_suite_of_other_clients_runs_on_fastapi(project: Path) -> None:
    """The same entries let FastAPI answer."""
    result = run(project, "--crossfade-native=all", "-k", "werkzeug or flask or httpx")
    assert result.returncode == 0, result.stdout
    assert "GET /echo   5 requests answered by FastAPI" in result.stdout
    assert "POST /echo  3 requests answered by FastAPI" in result.stdout
    assert "0 requests answered by Flask" in result.stdout


def test_middleware_around_during_a_recording_names_none() -> None:
    """What stands at Flask's entries while a suite runs is not the application's middleware."""
    app = Flask("shop", static_folder=None)
    suite = Suite(None, SuiteRedaction())
    suite.install()
    try:
        assert not middleware_around(app, app)
    finally:
        suite.uninstall()


NOTHING = {
    "no request": ("def test_it():\n    assert True\n", "no test that passed sent a request"),
    "by way of a gateway": (
        "import shop\n"
        "from crossfade import mount_legacy\n"
        "from fastapi import FastAPI\n"
        "from starlette.testclient import TestClient\n"
        "def test_it(tmp_path):\n"
        "    (tmp_path / 'm.toml').write_text('[routes]')\n"
        "    app = FastAPI()\n"
        "    mount_legacy(app, shop.create_app(), migration_map=tmp_path / 'm.toml')\n"
        "    assert TestClient(app).get('/echo').json()['n'] == 1\n",
        "1 request reached Flask by way of an ASGI server or gateway, which is not recorded",
    ),
    "nothing that may be kept": (
        "import shop\n"
        "def test_it():\n"
        "    headers = {'Content-Encoding': 'gzip'}\n"
        "    shop.app.test_client().post('/echo', data=b'x', headers=headers)\n",
        "test_it.py::test_it: it is compressed (1x)",
    ),
}


@pytest.mark.parametrize(("text", "reason"), NOTHING.values(), ids=list(NOTHING))
def test_recording_nothing_fails_the_run(
    project: Path, tmp_path: Path, text: str, reason: str
) -> None:
    """Tests that pass and leave no case would be taken for recorded."""
    for name in ("shop.py", "pytest.ini"):
        (tmp_path / name).write_text((project / name).read_text(), encoding="utf-8")
    (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
    result = run(tmp_path, "--crossfade-record=cases", "-W", "default")
    assert "1 passed" in result.stdout, result.stdout
    assert "0 exchanges kept, so this run records nothing" in result.stdout
    assert reason in result.stdout
    assert result.returncode == 1
    assert run(tmp_path, "-W", "default").returncode == 0
