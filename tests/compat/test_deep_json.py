"""JSON that is nested as deep as Flask still reads and writes it, and handlers that read late."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, HTTPException
from flask import Flask, jsonify
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from crossfade import compat
from tests.asgi.kit import Answer, Mount, ask, flask_with

JSON = ("Content-Type", "application/json")
LEVELS = 940
"""Flask answers up to about 980 of them under gunicorn."""


class Tree(BaseModel):
    """A model with anything inside."""

    inner: Any


def far_down(app: ASGIApp, levels: int) -> ASGIApp:
    """Call an application below so many frames, as servers and middleware do."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return call if not levels else far_down(call, levels - 1)


def nested(levels: int = LEVELS) -> bytes:
    """Return a list in a list in a list."""
    return b"[" * levels + b"]" * levels


def post(app: ASGIApp, body: bytes) -> Answer:
    """Send JSON to an application that stands below a hundred frames."""
    return ask(far_down(app, 100), "POST", "/a", JSON, body=body)


def native(handler: Any, **options: Any) -> FastAPI:
    """Return an application with one route."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", handler, methods=["POST"], response_model=None, **options)
    return app


async def by_json(data: Annotated[Any, compat.json()]) -> Any:
    """Take and give what the dependency reads."""
    return compat.jsonify(data)


async def by_read() -> Any:
    """Take it in the handler."""
    return compat.jsonify(await compat.read(compat.json()))


async def by_view(data: Annotated[Any, compat.json()]) -> Any:
    """Give what a view would have returned."""
    return compat.FlaskResponse((data, 201))


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("handler", [by_json, by_read, by_view])
def test_deep_json_is_read_and_written_as_in_flask(
    mount: Mount, handler: Any, hooked: bool
) -> None:
    """The event loop's deeper stack takes nothing of what Flask allows."""
    legacy = flask_with("POST /a")
    if hooked:
        legacy.before_request(lambda: None)
    app = native(handler)
    mount(app, legacy, "POST /a")
    answer = post(app, nested())
    assert answer.status in (200, 201)
    assert answer.body == nested() + b"\n"


def test_deep_json_that_is_malformed_is_a_400(mount: Mount) -> None:
    """Not a 500 of the parser's."""
    app = native(by_json)
    mount(app, flask_with("POST /a"), "POST /a")
    assert post(app, b"[" * LEVELS).status == 400


def test_json_model_with_a_deep_value_reaches_the_model(mount: Mount) -> None:
    """What it refuses is refused by it, and what it takes is written again."""

    async def handler(tree: Annotated[Tree, compat.json_model(Tree)]) -> Any:
        return compat.jsonify(tree)

    app = native(handler)
    mount(app, flask_with("POST /a"), "POST /a")
    assert post(app, b'{"inner":%s}' % nested()).body == b'{"inner":%s}\n' % nested()
    assert post(app, nested()).status == 400


def test_jsonify_of_models_at_any_depth_writes_their_values(mount: Mount) -> None:
    """In lists, tuples and dicts, twice in one value, and below many others."""
    leaf = Tree(inner=(1, Tree(inner="x")))
    deep: Any = {"a": [leaf], "b": leaf, "c": ()}
    for _ in range(LEVELS // 2):
        deep = [deep]

    async def handler() -> Any:
        return compat.jsonify(deep)

    app = native(handler)
    mount(app, flask_with("POST /a"), "POST /a")
    one = b'{"inner":[1,{"inner":"x"}]}'
    half = nested(LEVELS // 2)
    middle = b'{"a":[%s],"b":%s,"c":[]}' % (one, one)
    expected = half.replace(b"[]", b"[%s]" % middle)
    assert post(app, b"").body == expected + b"\n"


def test_jsonify_of_what_is_inside_of_itself_fails_as_in_flask(mount: Mount) -> None:
    """An error, and no endless loop."""
    circle: list[Any] = []
    circle.append(circle)

    async def handler() -> Any:
        return compat.jsonify(circle)

    app = native(handler)
    mount(app, flask_with("POST /a"), "POST /a")
    assert post(app, b"").status == 500


# --- read after what refuses ----------------------------------------------------------------------


def test_read_in_the_handler_lets_a_check_go_first(mount: Mount) -> None:
    """A Flask view that looks for the row first answers 404 whatever the body is."""

    async def handler(found: bool = True) -> Any:
        if not found:
            raise HTTPException(404)
        data = await compat.read(compat.json_model(Tree))
        return compat.jsonify(data)

    app = native(handler)
    mount(app, flask_with("POST /a"), "POST /a")
    answers = {
        (target, body): ask(app, "POST", target, JSON, body=body).status
        for target in ("/a", "/a?found=false")
        for body in (b'{"inner": 1}', b"{", b"")
    }
    assert answers == {
        ("/a", b'{"inner": 1}'): 200,
        ("/a", b"{"): 400,
        ("/a", b""): 400,
        ("/a?found=false", b'{"inner": 1}'): 404,
        ("/a?found=false", b"{"): 404,
        ("/a?found=false", b""): 404,
    }


def test_read_of_forms_reads_what_the_dependency_reads(mount: Mount) -> None:
    """The same arguments, with their defaults and their 400."""

    async def handler() -> Any:
        number = await compat.read(compat.form("n", int, 7))
        return compat.jsonify([number, await compat.read(compat.form("must"))])

    app = native(handler)
    mount(app, flask_with("POST /a"), "POST /a")
    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert ask(app, "POST", "/a", form, body=b"n=3&must=x").body == b'[3,"x"]\n'
    assert ask(app, "POST", "/a", form, body=b"n=a&must=x").body == b'[7,"x"]\n'
    assert ask(app, "POST", "/a", form, body=b"n=3").status == 400


def test_read_of_something_else_says_what_it_takes() -> None:
    """A cookie is no part of the body."""
    with pytest.raises(TypeError, match=r"read\(\) takes json\(\), json_model\(\)"):
        asyncio.run(compat.read(compat.cookie("a")))


def test_flask_itself_writes_such_json() -> None:
    """What these tests take for Flask's answer is Flask's."""
    legacy = Flask("legacy")
    value: Any = []
    for _ in range(599):
        value = [value]
    legacy.add_url_rule("/a", "a", lambda: jsonify(value))
    assert legacy.test_client().get("/a").data == nested(600) + b"\n"
