"""The contract's client: what it sends, what it keeps, what it refuses."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crossfade.contract.engine.runner import Runner
from crossfade.contract.errors import ContractError, ContractFailed
from crossfade.contract.run.client import Contract
from crossfade.contract.state.base import NoState, State
from crossfade.contract.transport.asgi import InProcessApp
from crossfade.model import SELECTION, Selection, Side
from tests.plugin.fake_gateway import Answer, Asked, FakeGateway, Receive, Send, View

Make = Callable[..., Contract]


@pytest.fixture
def make() -> Iterator[Make]:
    """A contract of two views that answer one route, or of a whole ASGI application."""
    apps: list[InProcessApp] = []

    def make(
        legacy: Any,
        native: View | None = None,
        *,
        route: str = "GET /x",
        state: State | None = None,
        timeout: float = 30,
        base_url: str = "http://localhost",
    ) -> Contract:
        app = legacy if native is None else FakeGateway({route: (legacy, native)})
        apps.append(InProcessApp(app))
        apps[-1].start()
        runner = Runner(apps[-1], state or NoState(), base_url.partition(":")[0])
        return Contract(runner, base_url=base_url, timeout=timeout)

    yield make
    for app in apps:
        app.close()


def ok(asked: Asked) -> Answer:
    """Answer alike on both sides."""
    return Answer(200, b"{}\n")


def echo(asked: Asked) -> Answer:
    """Answer with what was asked."""
    lines = [f"{k.decode()}: {v.decode('latin-1')}" for k, v in asked.scope["headers"]]
    return Answer(200, "\n".join([*lines, "", ""]).encode() + asked.body, ())


class Everything(dict[str, tuple[View, View | None]]):
    """Routes that answer any path."""

    def get(self, key: str, default: object = None) -> Any:
        """Return `echo` on both sides."""
        return (echo, echo)


@pytest.fixture
def anywhere(make: Make) -> tuple[Contract, list[dict[str, Any]]]:
    """A contract on which any path is answered, and the scopes that arrived."""
    gateway = FakeGateway(Everything())
    scopes: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await gateway(scope, receive, send)

    return make(app), scopes


@pytest.mark.parametrize(
    ("path", "raw_path", "decoded"),
    [
        ("/x%2Fy", b"/x%2Fy", "/x/y"),
        ("//leaf", b"//leaf", "//leaf"),
        ("/a/../b", b"/a/../b", "/a/../b"),
        ("/x%0A", b"/x%0A", "/x\n"),
        ("/é b", b"/%C3%A9%20b", "/é b"),
        ("/%ff", b"/%ff", "/\N{REPLACEMENT CHARACTER}"),
        ("/%zz", b"/%zz", "/%zz"),
        (b"/\xff", b"/\xff", "/ÿ"),
        ("*", b"*", "*"),
    ],
)
def test_the_path_arrives_as_it_was_written(
    anywhere: tuple[Contract, list[dict[str, Any]]],
    path: str | bytes,
    raw_path: bytes,
    decoded: str,
) -> None:
    """No client in between normalises what a test is about."""
    contract, scopes = anywhere
    contract.get(path)
    for scope in scopes[1:]:
        assert (scope["raw_path"], scope["path"]) == (raw_path, decoded)


def test_params_join_the_query_that_the_path_has(
    anywhere: tuple[Contract, list[dict[str, Any]]],
) -> None:
    """The path's own query is not touched."""
    contract, scopes = anywhere
    contract.get("/x?a=%20&b", params={"c": ["1", "2"]})
    assert {scope["query_string"] for scope in scopes[1:]} == {b"a=%20&b&c=1&c=2"}


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"json": {"a": 1}}, 'content-type: application/json\ncontent-length: 7\n\n{"a":1}'),
        ({"json": [float("nan"), "é"], "headers": {"Content-Type": "text/json"}},
         'content-length: 10\ncontent-type: text/json\n\n[NaN,"é"]'),
        ({"data": {"a": "é"}},
         "content-type: application/x-www-form-urlencoded\ncontent-length: 8\n\na=%C3%A9"),
        ({"content": b"{}"}, "content-length: 2\n\n{}"),
        ({"content": iter([b"a", b"b"])}, "transfer-encoding: chunked\n\nab"),
        ({"content": b"{}", "headers": {"Content-Type": "text/x"}},
         "content-length: 2\ncontent-type: text/x\n\n{}"),
        ({}, "content-length: 0\n\n"),
        ({"headers": [("a", "1"), ("A", b"\xff")]}, "content-length: 0\na: 1\na: ÿ\n\n"),
        ({"cookies": {"a": "1"}}, "content-length: 0\ncookie: a=1\n\n"),
        ({"headers": {"Host": "h", "Accept": "b"}}, "content-length: 0\nhost: h\naccept: b\n\n"),
    ],
)  # fmt: skip
def test_arguments_become_bytes_as_in_httpx(
    anywhere: tuple[Contract, list[dict[str, Any]]], options: dict[str, Any], body: str
) -> None:
    """Bodies, forms, headers with duplicates, and the headers that a test replaces."""
    text = anywhere[0].post("/x", **options).content.decode("utf-8")
    for line in ("host: localhost", "user-agent: crossfade-contract", "accept: */*"):
        text = text.replace(f"{line}\n", "", 1)
    assert text == body


def test_a_multipart_upload_is_the_same_on_both_sides(
    anywhere: tuple[Contract, list[dict[str, Any]]],
) -> None:
    """The random boundary is drawn once."""
    answer = anywhere[0].post("/x", files={"f": ("a.txt", b"hello")}, data={"k": "v"})
    assert b'name="f"; filename="a.txt"' in answer.content


@pytest.mark.parametrize("path", ["x", "http://localhost/x", "", "/x#part"])
def test_a_path_that_no_client_sends_is_refused(
    anywhere: tuple[Contract, list[dict[str, Any]]], path: str
) -> None:
    """A fragment or a missing slash is a mistake of the test."""
    with pytest.raises(ValueError, match=r"slash|#"):
        anywhere[0].get(path)


def test_the_answer_is_flasks(make: Make) -> None:
    """A test asserts on what the clients got all along, as with httpx."""
    contract = make(
        lambda asked: Answer(201, b'{"id":1}\n'), lambda asked: Answer(201, b'{"id":1}\n')
    )
    answer = contract.get("/x")
    assert answer.status_code == 201
    assert answer.json() == {"id": 1}
    assert answer.headers["content-type"] == "application/json"
    assert str(answer.request.url) == "http://localhost/x"


def test_a_difference_fails_with_who_what_why_and_fix(make: Make) -> None:
    """The whole text, as a person reads it."""

    def legacy(asked: Asked) -> Answer:
        return Answer(400, b'{"error":"age"}\n')

    def native(asked: Asked) -> Answer:
        return Answer(422, b'{"detail":"age"}')

    contract = make(legacy, native, route="POST /x")
    with pytest.raises(ContractFailed) as failed:
        contract.post("/x", json={"age": "x"})
    text = str(failed.value)
    first, *lines = [line.strip() for line in text.splitlines()]
    assert first == "Flask and FastAPI answer differently: POST /x"
    for line in (
        "sent     application/json",
        'body     \'{"age":"x"}\'',
        "status: Flask 400, FastAPI 422",
        'body.error: only Flask: "age"',
        'body.detail: only FastAPI: "age"',
    ):
        assert line in lines
    assert "legacy (POST /x)" in text
    assert "native (POST /x)" in text
    assert sum(line.startswith("why: [XF134] both refuse") for line in lines) == 1
    assert "nothing is reset between the two sides" in text


def test_each_mutation_of_an_answer_fails_the_contract(make: Make) -> None:
    """Never green without cause: seven mutants of one answer, none survives."""
    headers = (("content-type", "application/json"), ("set-cookie", "a=1; Path=/"), ("x-a", "1"))
    sound = Answer(200, b'{"a":1,"b":2}\n', headers)
    mutants = [
        sound._replace(status=201),
        sound._replace(headers=headers[:2]),
        sound._replace(headers=(*headers[:2], ("x-a", "2"))),
        sound._replace(body=b'{"a":1,"b":3}\n'),
        sound._replace(body=b'{"b":2,"a":1}\n'),
        sound._replace(body=b'{"a":1,"b":2}'),
        sound._replace(headers=(headers[0], ("set-cookie", "a=1; Path=/; Secure"), headers[2])),
    ]
    answers = [sound]
    contract = make(lambda asked: sound, lambda asked: answers[-1])
    contract.get("/x")
    for mutant in mutants:
        answers.append(mutant)
        with pytest.raises(ContractFailed):
            contract.get("/x")
        assert contract.outcomes[-1].native.response.body == mutant.body
    assert contract.agreed == 1


def test_a_native_exception_is_a_500_with_its_traceback(make: Make) -> None:
    """A client sees a 500; the developer sees where it came from."""

    def native(asked: Asked) -> Answer:
        raise LookupError("no such thing")

    with pytest.raises(ContractFailed) as failed:
        make(ok, native).get("/x")
    text = str(failed.value)
    assert "status: Flask 200, FastAPI 500" in text
    assert "why: [XF101] the native endpoint raised: LookupError: no such thing" in text
    assert 'raise LookupError("no such thing")' in text


def test_a_route_without_native_implementation_fails(make: Make) -> None:
    """Flask compared with itself is no contract."""
    contract = make(FakeGateway({"GET /x": (ok, None)}))
    with pytest.raises(ContractFailed, match=r"no native implementation answered: GET /x"):
        contract.get("/x")
    assert contract.agreed == 0


def test_a_login_that_has_not_moved_prepares_both_sides(make: Make) -> None:
    """`answered_by="flask"` allows it, and each side keeps its own cookie."""
    numbers = itertools.count()

    def login(asked: Asked) -> Answer:
        return Answer(200, b"", (("set-cookie", f"n={next(numbers) % 1}; Path=/"),))

    seen: list[str | None] = []

    def me(asked: Asked) -> Answer:
        seen.append(asked.headers.get("cookie"))
        return Answer()

    contract = make(FakeGateway({"POST /login": (login, None), "GET /me": (me, me)}))
    contract.post("/login", answered_by="flask")
    contract.get("/me", cookies={"lang": "de"})
    assert seen == ["n=0; lang=de"] * 2


@pytest.mark.parametrize(("answered_by", "path"), [("flask", "/x"), ("fastapi", "/missing")])
def test_who_has_to_answer_can_be_said(make: Make, answered_by: Any, path: str) -> None:
    """The wrong side is a failure, whatever it answers."""
    with pytest.raises(ContractFailed, match="answered by"):
        make(ok, ok).get(path, answered_by=answered_by)


def test_what_the_url_map_owns_is_compared_but_proves_nothing(make: Make) -> None:
    """A 404 of no rule passes; it is not counted as agreement unless the test says so."""
    contract = make(ok, ok)
    assert contract.get("/missing").status_code == 404
    assert contract.agreed == 0
    contract.get("/missing", answered_by="flask")
    assert contract.agreed == 1


def test_an_application_that_is_no_gateway_is_an_error(make: Make) -> None:
    """Without a selection nobody knows who answered."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    with pytest.raises(ContractError, match="did not say who answered"):
        make(app).get("/x")


def answer_as(scope: dict[str, Any]) -> None:
    """Leave the selection that was asked for."""
    scope[SELECTION] = Selection(scope["crossfade.force_side"], "GET /x", "r")


def test_a_broken_off_body_differs_from_a_whole_one(make: Make) -> None:
    """An exception after the head closes the connection under a server."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer_as(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        if scope["crossfade.force_side"] is Side.NATIVE:
            raise ValueError("late")
        await send({"type": "http.response.body", "body": b""})

    with pytest.raises(ContractFailed, match="body: Flask whole, FastAPI broken off"):
        make(app).get("/x")


def test_an_endless_answer_ends_by_a_disconnect(make: Make) -> None:
    """The application learns that the client is gone, and the test fails with what came."""
    told = threading.Event()

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer_as(scope)
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"tick", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        told.set()

    contract = make(app, timeout=0.01)
    with pytest.raises(ContractFailed, match=r"Flask's answer had no end after 0.01 s .*4 bytes"):
        contract.get("/x")
    assert told.is_set()


def test_the_body_of_a_head_is_not_compared(make: Make) -> None:
    """A server never sends it."""
    bodies = iter([b"one", b""])
    contract = make(
        lambda asked: Answer(200, next(bodies)),
        lambda asked: Answer(200, next(bodies)),
        route="HEAD /x",
    )
    assert contract.head("/x").content == b""


def test_the_gateways_own_header_is_no_difference(make: Make) -> None:
    """`X-Served-By` names the side that answered, where the map asks for it; nothing else does."""
    flask, fastapi = (Answer(200, b"", (("x-served-by", side),)) for side in ("flask", "fastapi"))
    make(lambda asked: flask, lambda asked: fastapi).get("/x")
    with pytest.raises(ContractFailed, match=r"header.x-served-by: only FastAPI: flask"):
        make(lambda asked: flask, lambda asked: flask).get("/x")


SIGNED = "session=eyJhIjoxfQ.{}.BUSBjTvPqHvWNnnVcXzGF2cnn1k; HttpOnly; Path=/"


def test_a_signature_of_another_second_is_asked_for_again(make: Make) -> None:
    """A signed cookie holds its second: the two sides are run again until they share one."""
    seconds = iter(["aaaaaa", "aaaaab", "aaaaab", "aaaaab"])

    def view(asked: Asked) -> Answer:
        return Answer(200, b"", (("set-cookie", SIGNED.format(next(seconds))),))

    contract = make(view, view)
    contract.get("/x")
    assert len(contract.outcomes) == 1


def test_a_signature_that_never_agrees_is_a_difference(make: Make) -> None:
    """Asking again hides no wrong clock and no wrong payload."""
    seconds = itertools.count(100000)

    def view(asked: Asked) -> Answer:
        return Answer(200, b"", (("set-cookie", SIGNED.format(next(seconds))),))

    def still(asked: Asked) -> Answer:
        return Answer(200, b"", (("set-cookie", SIGNED.format(99999)),))

    with pytest.raises(ContractFailed, match=r"cookie.session"):
        make(still, view).get("/x")


def test_cookies_follow_path_expiry_and_scheme(make: Make) -> None:
    """What a browser would not send back is not sent."""
    lines = (
        "a=1; Path=/",
        "b=1; Path=/deep",
        "gone=1; Path=/",
        "gone=; Path=/; Max-Age=0",
        "old=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "s=1; Path=/; Secure",
    )
    seen: list[str | None] = []

    def setter(asked: Asked) -> Answer:
        return Answer(200, b"", tuple(("set-cookie", line) for line in lines))

    def getter(asked: Asked) -> Answer:
        seen.append(asked.headers.get("cookie"))
        return Answer()

    routes = {f"GET {path}": (getter, getter) for path in ("/x", "/deep/x", "/deeper")}
    for scheme in ("http", "https"):
        contract = make(
            FakeGateway({"GET /set": (setter, setter), **routes}), base_url=f"{scheme}://localhost"
        )
        contract.get("/set")
        for path in ("/x", "/deep/x", "/deeper"):
            contract.get(path)
    assert seen[::2] == ["a=1", "b=1; a=1", "a=1", "a=1; s=1", "b=1; a=1; s=1", "a=1; s=1"]


class Counter:
    """A state of one number."""

    def __init__(self) -> None:
        self.value = 0
        self.log: list[str] = []

    def capture(self) -> dict[str, int]:
        """Return the number under a name."""
        return {"counter": self.value}

    def restore(self, captured: object) -> None:
        """Set it."""
        assert isinstance(captured, dict)
        self.value = captured["counter"]


def counting(state: Counter, step: int) -> View:
    """A view that adds to the state and answers with it."""

    def view(asked: Asked) -> Answer:
        state.value += step
        return Answer(200, str(state.value).encode())

    return view


def test_each_call_starts_both_sides_from_the_state_it_finds(make: Make) -> None:
    """And leaves it as it was: Flask's write is not there when FastAPI is asked."""
    state = Counter()
    state.value = 5
    contract = make(counting(state, 1), counting(state, 1), state=state)
    assert [contract.get("/x").text for _ in range(2)] == ["6", "6"]
    assert state.value == 5


def test_the_state_is_put_back_after_a_failure(make: Make) -> None:
    """The next test is not to suffer."""
    state = Counter()
    contract = make(counting(state, 1), counting(state, 2), state=state)
    with pytest.raises(ContractFailed):
        contract.get("/x")
    assert state.value == 0


def test_what_a_side_left_behind_is_compared(make: Make) -> None:
    """Equal answers do not hide that FastAPI stored something else."""
    state = Counter()

    def native(asked: Asked) -> Answer:
        state.value += 2
        return Answer(200, b"1")

    contract = make(counting(state, 1), native, state=state)
    with pytest.raises(ContractFailed, match=r"state.counter: Flask 1, FastAPI 2"):
        contract.get("/x")


def test_a_sequence_lets_each_side_go_on_from_what_it_left(make: Make) -> None:
    """Three steps on each side, and the start again afterwards."""
    state = Counter()
    contract = make(counting(state, 1), counting(state, 1), state=state)
    with contract.sequence():
        assert [contract.get("/x").text for _ in range(3)] == ["1", "2", "3"]
    assert state.value == 0
    assert contract.get("/x").text == "1"


def test_a_sequence_in_a_sequence_is_refused(make: Make) -> None:
    """Two starts at once make no sense."""
    contract = make(ok, ok)
    inner = contract.sequence()
    with contract.sequence(), pytest.raises(ContractError, match="inside a sequence"), inner:
        pass


class Opaque:
    """A state whose pictures can't be compared."""

    def capture(self) -> object:
        """Return an object that is equal to itself alone."""
        return object()

    def restore(self, captured: object) -> None:
        """Do nothing."""


def test_pictures_without_equality_are_not_compared_and_it_is_said(make: Make) -> None:
    """Nothing is invented, nothing is kept secret."""
    contract = make(ok, ok, state=Opaque())
    contract.get("/x")
    assert "not compared: Opaque" in contract.account()["remark"]
