"""What Flask's test client can do, in a suite that has to pass on Flask and on FastAPI alike."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossfade.contract.cases.http_file import read_cases
from tests.plugin.test_plugin import QUIET

pytestmark = pytest.mark.slow

SHOP = """
import threading
from contextlib import asynccontextmanager
from fastapi import Depends, FastAPI
from flask import Flask, Response, abort, g, jsonify, redirect, request, session, url_for
from crossfade.compat import flask_context, flask_view

started = []

def echo():
    g.seen = True
    return jsonify(
        method=request.method, path=request.path, full=request.full_path, root=request.root_path,
        url=request.url, args=request.args.to_dict(flat=False),
        form=request.form.to_dict(flat=False),
        files={k: f.read().decode() for k, f in request.files.items()}, addr=request.remote_addr,
        json=request.get_json(silent=True), raw=request.get_data(as_text=True),
        agent=request.headers.get("User-Agent"), cookies=dict(request.cookies),
        header=request.headers.get("X-Own"), type=request.content_type,
    ), 201, {"X-Own": "é".encode().decode("latin-1"), "Set-Cookie": "kept=1; Path=/"}

def hop(n):
    return redirect(url_for("hop", n=n - 1) if n else "/echo?end=1", 307)

def stream():
    return Response((str(i) for i in range(3)), mimetype="text/plain")

def fail():
    raise LookupError("nothing there")

def missing():
    abort(418, "teapot")

def user():
    session["visits"] = session.get("visits", 0) + 1
    return jsonify(visits=session["visits"], outer=getattr(g, "outer", None))

RULES = {
    "/echo": (echo, ["GET", "POST", "PUT", "DELETE", "PATCH"]),
    "/hop/<int:n>": (hop, ["GET", "POST"]),
    "/stream": (stream, ["GET"]), "/fail": (fail, ["GET"]), "/missing": (missing, ["GET"]),
    "/user": (user, ["GET"]),
}

def create_app(**settings):
    app = Flask("shop", static_folder=None)
    app.secret_key = "fake"
    app.config.update(TESTING=True, **settings)
    for rule, (view, methods) in RULES.items():
        app.add_url_rule(rule, view.__name__, view, methods=methods)
    app.register_error_handler(418, lambda error: ("short and stout", 418))
    return app

def create_native(flask_app):
    @asynccontextmanager
    async def lifespan(app):
        started.append(flask_app)
        yield
        started.remove(flask_app)

    app = FastAPI(openapi_url=None, lifespan=lifespan, dependencies=[Depends(flask_context)])
    for rule, (view, methods) in RULES.items():
        path = rule.replace("<int:n>", "{n}")
        native = native_hop if view is hop else view
        app.add_api_route(path, flask_view(native), methods=methods, response_model=None)
    return app

def native_hop(n: int):
    return hop(n)
"""

SUITE = """
import gc, threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
import pytest
import shop
from flask import appcontext_pushed, g, request, session, template_rendered
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

@pytest.fixture
def app():
    return shop.create_app()

@pytest.fixture
def client(app):
    return app.test_client()

@pytest.fixture(scope="module")
def wide():
    return shop.create_app()

def test_what_is_sent(client):
    answer = client.post("/echo?a=1&a=2&b=%2F", json={"n": "ü"}, headers={"X-Own": "é"})
    assert answer.status == "201 CREATED"
    assert answer.headers["X-Own"] == "Ã©"
    seen = answer.get_json()
    assert seen["json"] == {"n": "ü"}
    assert seen["args"] == {"a": ["1", "2"], "b": ["/"]}
    assert seen["full"] == "/echo?a=1&a=2&b=%2F"
    assert seen["addr"] == "127.0.0.1"
    assert seen["agent"].startswith("Werkzeug/")
    assert seen["header"] == "é"
    assert seen["url"] == "http://localhost/echo?a=1&a=2&b=/"

def test_forms_and_files(client):
    data = {"name": "ada", "list": ["1", "2"], "file": (BytesIO(b"content"), "a.txt")}
    seen = client.post("/echo", data=data).json
    assert seen["form"] == {"name": ["ada"], "list": ["1", "2"]}
    assert seen["files"] == {"file": "content"}
    assert client.put("/echo", data=b"raw", content_type="text/plain").json["raw"] == "raw"
    assert client.patch("/echo", query_string={"q": "ä b"}).json["args"] == {"q": ["ä b"]}
    assert client.delete("/echo").json["method"] == "DELETE"

def test_environ(client):
    seen = client.get("/echo", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).json
    assert seen["addr"] == "192.0.2.7"
    seen = client.get("/echo", base_url="https://shop.example/app").json
    assert seen["url"] == "https://shop.example/app/echo"
    assert (seen["root"], seen["path"]) == ("/app", "/echo")
    client.environ_base["HTTP_USER_AGENT"] = "own"
    assert client.get("/echo").json["agent"] == "own"
    builder = EnvironBuilder(path="/echo", method="PUT", data={"a": "b"})
    assert client.open(builder).json["form"] == {"a": ["b"]}

def test_cookies(client):
    client.set_cookie("theme", "dark")
    assert client.get("/echo").json["cookies"] == {"theme": "dark"}
    assert client.get("/echo").json["cookies"] == {"theme": "dark", "kept": "1"}
    assert client.get_cookie("kept").value == "1"

def test_without_cookies(app):
    client = app.test_client(use_cookies=False)
    client.get("/echo")
    assert client.get("/echo").json["cookies"] == {}

def test_redirects(client):
    answer = client.post("/hop/2", data={"a": "b"}, follow_redirects=True)
    assert [each.status_code for each in answer.history] == [307, 307, 307]
    assert answer.request.path == "/echo"
    assert answer.json["form"] == {"a": ["b"]}

def test_session(client):
    with client.session_transaction() as made:
        made["visits"] = 5
    assert client.get("/user").json["visits"] == 6
    with client.session_transaction() as made:
        assert made["visits"] == 6

def test_context_is_kept(client):
    with client:
        client.get("/user")
        assert session["visits"] == 1
        assert request.path == "/user"
        client.get("/echo?x=1")
        assert request.args["x"] == "1"
        assert g.seen
    with pytest.raises(RuntimeError):
        request.path

def test_context_of_the_test(app, client):
    with app.app_context():
        g.outer = "pushed by the test"
        assert client.get("/user").json["outer"] == "pushed by the test"

def test_streams(client):
    assert client.get("/stream").data == b"012"
    assert b"".join(client.get("/stream", buffered=True).response) == b"012"

def test_exceptions(app, client):
    with pytest.raises(LookupError, match="nothing there"):
        client.get("/fail")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/fail").status_code == 500
    app.testing = False
    assert client.get("/fail").status_code == 500

def test_errors(client):
    answer = client.get("/missing")
    assert (answer.status, answer.text) == ("418 I'M A TEAPOT", "short and stout")
    assert client.get("/nowhere").status_code == 404
    assert client.post("/user").status_code == 405
    assert "GET" in client.options("/user").headers["Allow"]

def test_head(client):
    assert client.head("/stream").data == b""

def test_own_class(app):
    class Own(FlaskClient):
        def open(self, *args, **kwargs):
            kwargs.setdefault("headers", {})["X-Own"] = "own"
            return super().open(*args, **kwargs)
    app.test_client_class = Own
    assert app.test_client().get("/echo").json["header"] == "own"

def test_signals(app, client):
    seen = []
    with appcontext_pushed.connected_to(lambda sender, **extra: seen.append(sender), app):
        client.get("/user")
    assert seen == [app]

def test_threads(app):
    def ask(number):
        return app.test_client().get(f"/echo?n={number}").json["args"]["n"]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(12))) == [[str(n)] for n in range(12)]

def test_two_clients(app):
    one, two = app.test_client(), app.test_client()
    one.get("/user")
    assert one.get("/user").json["visits"] == 2
    assert two.get("/user").json["visits"] == 1

@pytest.mark.parametrize("number", range(12))
def test_wide(wide, app, number):
    assert wide.test_client().get("/user").status_code == 200
    assert app.test_client().get("/user").status_code == 200

def test_zz_nothing_stays_open():
    assert len(shop.started) <= 1, "of the module's application at most"
    assert sum(each.name == "crossfade-map" for each in threading.enumerate()) <= 1
"""

TESTS = 30


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two files."""
    folder = tmp_path_factory.mktemp("features") / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP, encoding="utf-8")
    (folder / "test_shop.py").write_text(SUITE, encoding="utf-8")
    ini = "[pytest]\nfilterwarnings = error\ncrossfade_native_app = shop:create_native\n"
    (folder / "pytest.ini").write_text(ini, encoding="utf-8")
    return folder


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the suite as its team does."""
    command = [sys.executable, "-m", "pytest", "-q", *QUIET, *arguments]
    environment = {**os.environ, "API_TOKEN": "from-the-environment"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("options", [(), ("--crossfade-native", "all")], ids=["flask", "fastapi"])
def test_every_feature(project: Path, options: tuple[str, ...]) -> None:
    """The same suite, the same result."""
    result = run(project, *options)
    assert result.returncode == 0, result.stdout
    assert f"{TESTS} passed" in result.stdout
    if options:
        for route in ("GET /echo", "POST /echo", "POST /hop/<int:n>", "GET /user", "GET /fail"):
            assert f"{route} " in result.stdout


def test_recording_leaves_the_suite_alone(project: Path, tmp_path: Path) -> None:
    """It passes as before; a form's boundary is the same in every run."""
    result = run(project, f"--crossfade-record={tmp_path}")
    assert f"{TESTS} passed" in result.stdout, result.stdout
    cases = read_cases(tmp_path / "test_shop.http")
    uploads = [case for case in cases if b"a.txt" in case.request.body]
    assert len(uploads) == 1
    (kind,) = uploads[0].request.values("content-type")
    assert kind == 'multipart/form-data; boundary="----------crossfade-form-part"'
    assert uploads[0].request.body.endswith(b"------------crossfade-form-part--\r\n")
    two = [case for case in cases if case.origin.endswith("test_two_clients")]
    assert {case.sequence for case in two} == {"test_shop.py::test_two_clients"}
    assert [case.client for case in two] == ["", "", "2"]


def test_secrets_of_the_environment_are_not_kept(tmp_path: Path) -> None:
    """They are no test data, whatever field they stand in."""
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "test_it.py").write_text(
        "import os, shop\n"
        "def test_it():\n"
        "    headers = {'X-Own': os.environ['API_TOKEN']}\n"
        "    data = {'password': 'of the test'}\n"
        "    shop.create_app().test_client().post('/echo', headers=headers, data=data)\n",
        encoding="utf-8",
    )
    run(folder, "--crossfade-record=cases")
    text = (folder / "cases/test_it.http").read_text()
    assert "x-own: REDACTED" in text
    assert "password=of+the+test" in text
    run(folder, "--crossfade-record=strict", "-o", "crossfade_record_redact=true")
    assert "password=REDACTED" in (folder / "strict/test_it.http").read_text()
