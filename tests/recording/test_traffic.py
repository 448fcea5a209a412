"""Live traffic through the gateway, kept as cases."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from flask import Flask, request, session

from crossfade import mount_legacy
from crossfade.contract.cases import files as recording_files
from crossfade.contract.cases.http_file import Case, read_cases
from crossfade.contract.recording import keeper as recording_cases
from crossfade.contract.recording import traffic as recording
from crossfade.contract.recording.traffic import TrafficRecorder
from crossfade.gateway.dispatch import Gateway
from crossfade.model import FORCE_SIDE, SELECTION, Selection, Side
from crossfade.scope.framing import FRAMING, Framing
from tests.asgi.kit import save_map

MAP = '[routes]\n"GET /native/<int:number>" = "native"\n'
RECORD = MAP + "[record]\nshare = 1.0\n"


def _flask() -> Flask:
    app = Flask("shop", static_folder=None)
    app.secret_key = "fake"

    @app.post("/login")
    def login() -> str:
        session["user"] = request.form["user"]
        return "hello"

    @app.post("/echo")
    def echo() -> bytes:
        return request.get_data()

    @app.post("/unread")
    def unread() -> tuple[str, int]:
        return "no", 401

    @app.get("/items/<name>")
    def item(name: str) -> str:
        return name

    @app.get("/reset/<int:number>/<token>")
    def reset(number: int, token: str) -> str:
        return f"{number}{token}"

    @app.get("/native/<int:number>")
    def number(number: int) -> str:
        return str(number)

    return app


class Served:
    """A gateway, asked in this process."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.map = folder / "migration_map.toml"
        self.map.write_text(text, encoding="utf-8")
        app = FastAPI(openapi_url=None)

        @app.get("/native/{number}")
        def native(number: int) -> int:
            return number

        self.gateway: Gateway = mount_legacy(app, _flask(), migration_map=self.map)
        self.app = app
        assert isinstance(self.gateway.recorder, TrafficRecorder)
        self.recorder = self.gateway.recorder

    def send(self, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
        """Send requests; return when what is to be written is written."""

        async def run() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
                return [await client.request(m, path, **options) for m, path, options in requests]

        try:
            return asyncio.run(run())
        finally:
            self.recorder.close()
            self.gateway.live.stop()
            asyncio.run(self.gateway.bridge.aclose())

    def cases(self) -> list[Case]:
        """Everything that was kept."""
        files = sorted((self.folder / "contracts/recorded").rglob("*.http"))
        return [case for file in files for case in read_cases(file)]


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """A gateway that records every request."""
    return Served(tmp_path, RECORD)


def test_nothing_is_kept_by_default(tmp_path: Path) -> None:
    """Without the table the hot path has no tap, no thread starts and no folder is made."""
    served = Served(tmp_path, MAP)
    served.send(("GET", "/items/a", {}))
    assert served.gateway._tap is None
    assert [path.name for path in tmp_path.iterdir()] == ["migration_map.toml"]
    assert "recording" not in served.gateway.status()


def test_cases_of_both_sides(served: Served) -> None:
    """A case names its route, what was sent, and how it was answered."""
    served.send(
        ("GET", "/items/a%2Fb?page=2", {"headers": {"accept": "text/html"}}),
        ("GET", "/items/a?page=2", {"headers": {"accept": "text/html"}}),
        ("GET", "/native/1", {}),
        ("GET", "/nowhere", {}),
    )
    items, native = served.cases()
    assert items.route == "GET /items/<name>"
    assert items.name == "GET /items/a → 200"
    assert items.request.target == b"/items/a?page=2"
    assert items.request.headers == (("accept", "text/html"),)
    assert (items.origin, items.login, items.sequence) == ("traffic", "", "")
    assert native.route == "GET /native/<int:number>"
    names = {path.parent.name for path in served.folder.rglob("*.http")}
    assert names == {"get-items-name", "get-native-number"}


def test_one_case_for_each_shape(served: Served) -> None:
    """What differs in values only is one case; other fields, headers or answers are others."""
    served.send(
        ("POST", "/echo", {"json": {"a": 1, "b": ["x"]}}),
        ("POST", "/echo", {"json": {"a": 2, "b": ["y", "z"]}}),
        ("POST", "/echo", {"json": {"a": None, "b": []}}),
        ("POST", "/echo", {"json": {"a": 1}}),
        ("POST", "/echo?x=1", {"json": {"a": 1}}),
        ("POST", "/echo", {"json": {"a": 1}, "headers": {"x-special": "1"}}),
        ("POST", "/echo", {"data": {"a": "1"}}),
        ("POST", "/echo", {"data": {"a": "2"}}),
    )
    assert len(served.cases()) == 6
    assert served.gateway.status()["recording"]["skipped"] == {"seen before": 2}


def test_secrets_never_reach_the_disk(served: Served) -> None:
    """Credentials, cookies, named fields, and variables of the path."""
    secrets = {
        "authorization": "Bearer SECRET-1",
        "cookie": "session=SECRET-2; theme=SECRET-3",
        "x-api-key": "SECRET-4",
    }
    (answer, *_) = served.send(
        ("POST", "/echo?access_token=SECRET-5&page=2", {"json": {"password": "SECRET-6", "n": 1}}),
        ("POST", "/login", {"data": {"user": "ada", "new_password": "SECRET-7"}}),
        ("GET", "/items/x", {"headers": secrets}),
        ("GET", "/reset/7/SECRET-8?n=1", {}),
        ("POST", "/echo", {"content": b"<password>SECRET-9"}),
    )
    assert answer.json() == {"password": "SECRET-6", "n": 1}, "the application saw it as it was"
    files = [path for path in served.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b"SECRET" in path.read_bytes()]
    cases = {case.route: case for case in served.cases()}
    echo = cases["POST /echo"].request
    assert echo.target == b"/echo?access_token=REDACTED&page=2"
    assert json.loads(echo.body) == {"password": "REDACTED", "n": 1}
    assert cases["POST /login"].request.body == b"user=ada&new_password=REDACTED"
    assert cases["GET /reset/<int:number>/<token>"].request.target == b"/reset/7/REDACTED?n=1"
    assert cases["GET /items/<name>"].request.headers == (("accept", "*/*"),)
    assert cases["GET /items/<name>"].login == "member"
    assert cases["POST /echo"].login == ""
    skipped = served.gateway.status()["recording"]["skipped"]
    assert skipped == {"body left out: it names a secret and has no form that is known": 1}


def test_what_else_is_secret_is_the_teams_to_say(tmp_path: Path) -> None:
    """`secrets` adds names, `keep` takes some away, `login` names who asks."""
    more = 'secrets = ["user", "x-tenant"]\nkeep = ["theme", "csrf"]\nlogin = "ada"\n'
    served = Served(tmp_path, RECORD + more)
    headers = {"cookie": "session=SECRET; theme=dark", "x-tenant": "SECRET"}
    served.send(("POST", "/login", {"data": {"user": "SECRET", "csrf": "1"}, "headers": headers}))
    (case,) = served.cases()
    assert case.request.body == b"user=REDACTED&csrf=1"
    assert case.request.values("cookie") == ("theme=dark",)
    assert not case.request.values("x-tenant")
    assert case.login == "ada"


@pytest.mark.parametrize(
    ("bounds", "kept", "reason"),
    [
        ("max_body = 8", 2, "body too long"),
        ("per_route = 1", 2, "enough of this route"),
        ("count = 1", 1, "folder is full"),
        ("max_disk = 200", 1, "folder is full"),
    ],
)
def test_bounds(tmp_path: Path, bounds: str, kept: int, reason: str) -> None:
    """Past each of them nothing is kept, and it is counted why."""
    served = Served(tmp_path, f"{RECORD}{bounds}\n")
    first, second, *_ = served.send(
        ("POST", "/echo", {"content": b"x" * 100, "headers": {"content-type": "text/plain"}}),
        ("POST", "/echo", {"content": b"x", "headers": {"x-a": "1"}}),
        ("GET", "/items/a", {}),
    )
    assert (first.content, second.content) == (b"x" * 100, b"x")
    assert len(served.cases()) == kept
    status = served.gateway.status()["recording"]
    assert status["skipped"][reason] >= 1
    assert status["kept"] == kept
    assert status["full"] is (reason == "folder is full")


def test_a_body_that_nobody_read_is_not_known(served: Served) -> None:
    """An answer before the body's end leaves nothing that could be sent again."""
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            raise AssertionError("the application reads no body")

        async def send(message: Any) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "method": "POST",
            "headers": [(b"content-length", b"5")],
            "path": "/unread",
        }
        scope[FRAMING] = Framing(5, coded=False, may_follow=True)
        tap = served.gateway._tap
        assert tap is not None
        full = {**scope, SELECTION: Selection(Side.LEGACY, "POST /unread", "r")}
        _, out = tap(full, receive, send)
        await out({"type": "http.response.start", "status": 401, "headers": []})
        await out({"type": "http.response.body", "body": b""})

    asyncio.run(run())
    served.recorder.close()
    assert len(sent) == 2
    assert served.cases() == []
    assert served.gateway.status()["recording"]["skipped"] == {"body not read": 1}


def test_the_sample_is_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request is looked at as often as `share` says."""
    served = Served(tmp_path, MAP + "[record]\nshare = 0.25\n")
    numbers = iter([0.3, 0.24, 0.9, 0.0])
    monkeypatch.setattr(served.recorder, "chance", lambda: next(numbers))
    served.send(*[("GET", f"/items/a?{name}=1", {}) for name in "abcd"])
    assert {case.request.query_string for case in served.cases()} == {b"b=1", b"d=1"}


def test_an_edit_of_the_map_switches_it(tmp_path: Path) -> None:
    """On and off while requests are served."""
    served = Served(tmp_path, MAP)
    served.send(("GET", "/items/a", {}))
    for text, kept in ((RECORD, 1), (MAP, 1)):
        save_map(served.gateway, text)
        served.send(("GET", "/items/a", {}))
        assert len(served.cases()) == kept
    assert served.gateway._tap is None


@pytest.mark.parametrize("part", ["_note", "_note_answer", "__init__"])
def test_a_failing_recorder_changes_no_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever it fails: the client has its answer, and the log says so once."""

    def fail(*arguments: object) -> None:
        raise RuntimeError("the recorder is broken")

    monkeypatch.setattr(recording._Seen, part, fail)
    answers = served.send(
        ("POST", "/echo", {"content": b"abc"}),
        ("GET", "/native/3", {}),
        ("POST", "/echo", {"content": b"abc"}),
    )
    assert [answer.text for answer in answers] == ["abc", "3", "abc"]
    assert [case.name for case in served.cases() if case.request.method == "POST"] == []
    assert served.gateway.status()["recording"]["skipped"]["failed"] >= 2
    logged = [each for each in caplog.records if each.exc_info]
    assert len(logged) == 1
    assert "its answer is not affected" in logged[0].message


def test_a_disk_that_refuses_changes_no_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-written stays, and the thread goes on."""

    def refuse(path: Path, text: str) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(recording_cases, "write_file", refuse)
    assert served.send(("GET", "/items/a", {}))[0].text == "a"
    monkeypatch.undo()
    assert served.cases() == []
    assert served.gateway.status()["recording"]["skipped"] == {"failed": 1}
    served.send(("GET", "/items/a", {}))
    assert len(served.cases()) == 1


def test_a_slow_disk_holds_up_no_request(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the thread can't take is left out and counted."""
    go_on = threading.Event()
    write = recording_files.write_file

    def slow(path: Path, text: str) -> None:
        assert go_on.wait(30)
        write(path, text)

    monkeypatch.setattr(recording_cases, "write_file", slow)
    waiting = served.recorder._waiting
    put = waiting.put

    def put_at_once(item: Any, block: bool = True, timeout: float | None = None) -> None:
        assert item is None or not block, "a request waits for the writer"
        put(item, block, timeout)

    monkeypatch.setattr(waiting, "put", put_at_once)
    monkeypatch.setattr(waiting, "maxsize", 2)
    close = served.recorder.close

    def released() -> None:
        go_on.set()
        close()

    monkeypatch.setattr(served.recorder, "close", released)
    answers = served.send(*[("GET", f"/items/a?n{number}=1", {}) for number in range(8)])
    assert [answer.status_code for answer in answers] == [200] * 8
    counted = served.gateway.status()["recording"]["skipped"]
    assert set(counted) == {"too many at a time"}
    skipped = counted["too many at a time"]
    assert skipped >= 5
    assert len(served.cases()) == 8 - skipped


def test_contracts_are_not_traffic(served: Served) -> None:
    """What is forced to a side, only tests send."""

    async def run() -> None:
        async def force(scope: Any, receive: Any, send: Any) -> None:
            await served.app({**scope, FORCE_SIDE: Side.LEGACY}, receive, send)

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(force), base_url="http://shop"
        ) as client:
            await client.get("/items/a")

    asyncio.run(run())
    served.send()
    assert served.cases() == []


def test_recording_is_said(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the log knows that something is written down, and where; once."""
    with caplog.at_level(logging.WARNING, "crossfade.recording"):
        served.send(("GET", "/items/a", {}), ("GET", "/items/a?b=1", {}))
    (record,) = [each for each in caplog.records if each.name == "crossfade.recording"]
    assert record.getMessage() == (
        f"recording 100% of the requests into {served.folder / 'contracts/recorded'}"
    )
