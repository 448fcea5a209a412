"""The document through the ASGI application: both sides, marked, before and after each edit."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from flask import Blueprint, Flask
from pydantic import BaseModel
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from crossfade.apidoc import MARK, ApiDocument
from crossfade.apidoc.legacy import LegacyOperations
from tests.apidoc.kit import Json, fetch, move, operations, served, shape
from tests.asgi.kit import Mount, ask, flask_with


class Item(BaseModel):
    """What the native side takes and gives."""

    id: int


def native() -> FastAPI:
    """Return a FastAPI application with counterparts of some of Flask's routes."""
    app = FastAPI()

    @app.get("/items/{number}", tags=["items"])
    async def read_item(number: int, verbose: bool = False) -> Item:
        """Read one item."""
        return Item(id=number)

    @app.put("/items/{number}")
    async def write_item(number: int, item: Item) -> Item:
        return item

    @app.get("/only-native/{name:path}")
    async def only_native(name: str) -> str:
        return name

    return app


def legacy() -> Flask:
    """Return a Flask application."""
    app = Flask("legacy", static_folder=None)
    items = Blueprint("stock", "stock")

    @items.get("/items/<int:item_id>")
    def get_item(item_id: int) -> str:
        """Return an item.

        As it was counted last.
        """
        return f"item {item_id}"

    @items.put("/items/<int:item_id>")
    def put_item(item_id: int) -> str:
        return ""

    @items.delete("/items/<int:item_id>")
    def remove_it(item_id: int) -> str:
        return ""

    @items.get("/stock")
    def stock() -> str:
        return "full"

    app.register_blueprint(items)
    return app


def silent(**_: object) -> str:  # noqa: D103 - a view without a docstring
    return ""


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[object]:
    """Return a list that grows by one with each call of a method."""
    calls: list[object] = []
    original = getattr(owner, name)

    def method(*arguments: Any) -> Any:
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(owner, name, method)
    return calls


ALL = {"GET /items/{number}", "PUT /items/{number}", "DELETE /items/{number}", "GET /stock"}


def operation(document: Json, route: str) -> Json:
    """Return the operation of `GET /path`."""
    method, _, path = route.partition(" ")
    found: Json = document["paths"][path][method.lower()]
    return found


def test_the_first_day(mount: Mount) -> None:
    """With an empty map every route of Flask's is there, and marked."""
    app = native()
    mount(app, legacy())
    document = fetch(app)
    assert served(document) == dict.fromkeys(ALL, "flask")
    read = operation(document, "GET /items/{number}")
    assert read["summary"] == "Return an item. [legacy]"
    assert read["description"].startswith("As it was counted last.")
    assert "answered by Flask" in read["description"]
    assert read[MARK] == {
        "served_by": "flask",
        "stage": "legacy",
        "route": "GET /items/<int:item_id>",
    }
    assert read["parameters"] == [
        {
            "name": "number",
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0},
        }
    ]


def test_a_moved_route_is_described_by_fastapi(mount: Mount) -> None:
    """In full, as FastAPI describes it, but for the marks."""
    app = native()
    gateway = mount(app, legacy())
    fetch(app)
    move(gateway, "GET /items/<int:item_id>")
    moved = operation(fetch(app), "GET /items/{number}")
    alone = operation(native().openapi(), "GET /items/{number}")
    assert moved.pop(MARK) == {
        "served_by": "fastapi",
        "stage": "native",
        "route": "GET /items/<int:item_id>",
    }
    assert moved.pop("summary") == f"{alone.pop('summary')} [native]"
    assert moved.pop("description").startswith(alone.pop("description"))
    assert moved == alone


def test_a_move_keeps_the_shape(mount: Mount) -> None:
    """Path, method, order, id, group and names stay, there and back."""
    app = native()
    gateway = mount(app, legacy())
    first = fetch(app)
    moves = ["GET /items/<int:item_id>", "PUT /items/<int:item_id>"]
    for natives in (moves[:1], moves, moves[1:], []):
        move(gateway, *natives)
        document = fetch(app)
        assert shape(document) == shape(first)
        assert list(served(document).values()).count("fastapi") == len(natives)
        assert document[MARK]["operations"] == {"flask": 4 - len(natives), "fastapi": len(natives)}
        assert document[MARK]["revision"] == gateway.live.snapshot.revision
        assert document["components"] == first["components"]
    assert document["paths"] == first["paths"]


def test_groups(mount: Mount) -> None:
    """FastAPI's tags; where it has none, Flask's blueprint."""
    app = native()
    mount(app, legacy(), "PUT /items/<int:item_id>")
    document = fetch(app)
    assert {name: operation(document, name)["tags"] for name in served(document)} == {
        "GET /items/{number}": ["items"],
        "PUT /items/{number}": ["stock"],
        "DELETE /items/{number}": ["stock"],
        "GET /stock": ["stock"],
    }


def test_a_route_that_only_fastapi_has(mount: Mount) -> None:
    """It is there once the map lists it: until then nobody answers it."""
    app = native()
    gateway = mount(app, legacy())
    before = fetch(app)
    assert ask(app, "GET", "/only-native/a").status == 404
    move(gateway, "GET /only-native/{name:path}")
    after = fetch(app)
    assert served(after)["GET /only-native/{name}"] == "fastapi"
    assert shape(after)[:-1] == shape(before)


def test_live(mount: Mount) -> None:
    """An edit shows at once; a bad one changes nothing."""
    app = native()
    gateway = mount(app, legacy())
    assert served(fetch(app))["GET /items/{number}"] == "flask"
    move(gateway, "GET /items/<int:item_id>")
    assert served(fetch(app))["GET /items/{number}"] == "fastapi"
    gateway.live.path.write_text("[routes]\n'GET /nowhere' = 'native'")
    assert not gateway.live.poll()
    assert served(fetch(app))["GET /items/{number}"] == "fastapi"


def test_it_is_built_lazily_and_once(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at start, once for a version of the map, and Flask's views are read once for all."""
    built = counted(monkeypatch, ApiDocument, "_build")
    read = counted(monkeypatch, LegacyOperations, "_describe")
    app = native()
    gateway = mount(app, legacy())
    ask(app, "GET", "/stock")
    assert built == []
    fetch(app)
    fetch(app)
    assert (len(built), len(read)) == (1, 4)
    move(gateway, "GET /items/<int:item_id>")
    ask(app, "GET", "/stock")
    assert len(built) == 1
    fetch(app)
    assert (len(built), len(read)) == (2, 4)


def test_fastapis_own_document_is_not_changed(mount: Mount) -> None:
    """FastAPI keeps it, and marks would pile up in it."""
    app = native()
    own = app.openapi
    pristine = copy.deepcopy(own())
    gateway = mount(app, legacy(), "GET /items/<int:item_id>")
    fetch(app)
    move(gateway)
    fetch(app)
    assert own() == pristine


def test_switched_off(mount: Mount) -> None:
    """The document is FastAPI's own again, live."""
    app = native()
    gateway = mount(app, legacy())
    move(gateway, settings="[gateway]\ndocument_legacy = false")
    assert ask(app, "GET", "/openapi.json").body == ask(native(), "GET", "/openapi.json").body
    move(gateway)
    assert "GET /stock" in served(fetch(app))


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["/items/*"], {"GET /stock"}),
        (["DELETE *", "/stock"], {"GET /items/{number}", "PUT /items/{number}"}),
        (["*"], set()),
        (["/item", "get *"], ALL),
    ],
)
@pytest.mark.parametrize("natives", [[], ["GET /items/<int:item_id>"]])
def test_excluded(mount: Mount, patterns: list[str], left: set[str], natives: list[str]) -> None:
    """Routes are left out by Flask's rule or by method and rule, whoever answers them."""
    app = native()
    settings = f"[gateway]\ndocument_exclude = {json.dumps(patterns)}"
    mount(app, legacy(), *natives, settings=settings)
    assert set(served(fetch(app))) == left
    assert "item" not in json.dumps(fetch(app)[MARK]["left_out"])


def test_hidden_natives_stay_hidden(mount: Mount) -> None:
    """`include_in_schema=False` of a route or its router, also while Flask answers."""
    app = FastAPI()
    app.get("/a", include_in_schema=False)(lambda: "a")
    router = APIRouter()
    router.get("/b")(lambda: "b")
    app.include_router(router, include_in_schema=False)
    app.add_route("/c", lambda _: Response("c"), include_in_schema=False)
    gateway = mount(app, flask_with("GET /a", "GET /b", "GET /c", "GET /d"))
    assert list(served(fetch(app))) == ["GET /d"]
    move(gateway, "GET /a", "GET /b", "GET /c")
    assert list(served(fetch(app))) == ["GET /d"]


def test_natives_that_fastapi_does_not_document(mount: Mount) -> None:
    """A plain Starlette route or mounted application keeps the entry of Flask's rule."""
    app = FastAPI()
    app.add_route("/plain/{x}", lambda _: Response("plain"))
    app.mount("/sub", lambda *_: None)  # type: ignore[arg-type]
    routes = ("GET /plain/<int:y>", "GET /sub/<path:rest>")
    gateway = mount(app, flask_with(*routes))
    before = fetch(app)
    move(gateway, *routes)
    after = fetch(app)
    assert shape(before) == shape(after)
    assert served(after) == {"GET /plain/{x}": "fastapi", "GET /sub/{path}": "fastapi"}
    assert operation(after, "GET /plain/{x}")["summary"].endswith("[native]")


def test_an_own_openapi_is_called_and_completed(mount: Mount) -> None:
    """What FastAPI's documentation shows: a logo is added; here a path is removed as well."""
    app = native()

    def custom() -> Json:
        schema = get_openapi(title="Ours", version="7", routes=app.routes)
        schema["info"]["x-logo"] = {"url": "logo.png"}
        del schema["paths"]["/only-native/{name}"]
        return schema

    app.openapi = custom  # type: ignore[method-assign]
    mount(app, legacy(), "GET /only-native/{name:path}", "GET /items/<int:item_id>")
    document = fetch(app)
    assert document["info"]["x-logo"] == {"url": "logo.png"}
    assert served(document)["GET /items/{number}"] == "fastapi"
    assert served(document)["GET /stock"] == "flask"
    assert "GET /only-native/{name}" not in served(document)


def test_an_openapi_put_on_top_calls_ours(mount: Mount) -> None:
    """It has the last word."""
    app = native()
    mount(app, legacy())
    ours = app.openapi
    app.openapi = lambda: {**ours(), "info": {"title": "T", "version": "1"}}  # type: ignore[method-assign]
    assert fetch(app)["info"]["title"] == "T"
    assert "GET /stock" in served(fetch(app))


def test_no_document(mount: Mount) -> None:
    """`openapi_url=None`: Flask answers those URLs."""
    app = FastAPI(openapi_url=None)
    mount(app, legacy())
    for url in ("/openapi.json", "/docs", "/redoc"):
        answer = ask(app, "GET", url)
        assert (answer.served_by, answer.status) == ("flask", 404)
    assert "GET /stock" in served(app.openapi())


def test_root_path_and_servers(mount: Mount) -> None:
    """FastAPI adds the root path to the servers, and nothing of it stays."""
    app = FastAPI(servers=[{"url": "https://example.com"}], openapi_url="/schema")
    mount(app, legacy())
    document = fetch(app, "/v1/schema", root_path="/v1")
    assert [server["url"] for server in document["servers"]] == ["/v1", "https://example.com"]
    assert [s["url"] for s in fetch(app, "/schema")["servers"]] == ["https://example.com"]


def test_tags_and_info_are_fastapis(mount: Mount) -> None:
    """What the application says of itself stays."""
    app = FastAPI(title="T", version="9", openapi_tags=[{"name": "stock", "description": "S"}])
    app.webhooks.post("told")(lambda item: None)
    mount(app, legacy())
    document = fetch(app)
    assert document["info"] == {"title": "T", "version": "9"}
    assert document["tags"] == [{"name": "stock", "description": "S"}]
    assert "told" in document["webhooks"]


def test_methods(mount: Mount) -> None:
    """HEAD and Flask's OPTIONS go without saying; those that a view answers itself do not."""
    flask_app = flask_with("GET|POST /a", "HEAD /head", "OPTIONS|GET /o", "PURGE|GET /p")
    flask_app.url_map.add(flask_app.url_rule_class("/any", endpoint="any"))
    flask_app.view_functions["any"] = lambda: "any"
    app = FastAPI()
    mount(app, flask_app)
    document = fetch(app)
    assert list(served(document)) == [
        "GET /a", "POST /a", "HEAD /head", "GET /o", "OPTIONS /o", "GET /p", "GET /any",
    ]  # fmt: skip
    assert {"route": "PURGE /p", "reason": "OpenAPI 3.1 has no method PURGE"} in document[MARK][
        "left_out"
    ]
    assert "any method" in operation(document, "GET /any")["description"]


def test_bodies(mount: Mount) -> None:
    """A legacy route says that it may take a body, so that one can be tried; a read does not."""
    app = FastAPI()
    mount(app, flask_with("GET|POST|PUT|PATCH|DELETE /a"))
    item = fetch(app)["paths"]["/a"]
    assert [m for m in item if "requestBody" in item[m]] == ["post", "put", "patch"]
    assert "required" not in item["post"]["requestBody"]


def test_redirects_and_defaults(mount: Mount) -> None:
    """Both are part of the service, and say what they do."""
    flask_app = Flask("redirects", static_folder=None)
    flask_app.add_url_rule("/old/<int:x>", "old", redirect_to="/new/<x>")
    flask_app.add_url_rule("/called", "called", redirect_to=lambda _: "/new/1")
    for rule, defaults in (("/new/<int:x>", None), ("/new/", {"x": 1})):
        flask_app.add_url_rule(rule, "new", silent, defaults=defaults)
    app = FastAPI()
    mount(app, flask_app)
    document = fetch(app)
    old = operation(document, "GET /old/{x}")
    assert old["description"].startswith("Redirects to `/new/<x>`.")
    assert list(old["responses"]) == ["308"]
    assert ask(app, "GET", "/old/3").status == 308
    assert operation(document, "GET /called")["description"].startswith("Redirects.")
    assert operation(document, "GET /new/")["description"].startswith("Here `x` is `1`.")


def test_hosts(mount: Mount) -> None:
    """A rule for one host names it, and a native answer there too."""
    flask_app = Flask("hosts", static_folder=None, host_matching=True)
    for host in ("api.example.com", "<tenant>.example.com", "www.example.com"):
        rule = "/shared" if host != "www.example.com" else "/www"
        flask_app.add_url_rule(rule, host.replace(".", "_"), lambda **_: "", host=host)
    app = FastAPI()
    app.root_path = "/root"
    app.get("/shared")(lambda: "")
    gateway = mount(app, flask_app)
    document = fetch(app)
    shared = operation(document, "GET /shared")
    assert shared["servers"] == [{"url": "//api.example.com/root"}]
    assert shared[MARK]["also"] == [
        {
            "served_by": "flask",
            "stage": "legacy",
            "route": "GET <tenant>.example.com/shared",
        }
    ]
    move(gateway, "GET api.example.com/shared")
    moved = operation(fetch(app), "GET /shared")
    assert moved["servers"] == [{"url": "//api.example.com/root"}]
    assert moved[MARK]["served_by"] == "fastapi"
    assert moved[MARK]["also"][0]["served_by"] == "flask"


def test_routes_that_openapi_cant_tell_apart(mount: Mount) -> None:
    """One operation that takes what either takes, and names the other."""
    app = FastAPI()
    app.get("/items/{key}")(lambda key: key)
    gateway = mount(
        app, flask_with("GET /items/<uuid:key>", "GET /items/<name>", "POST /items/<int:n>")
    )
    document = fetch(app)
    assert list(document["paths"]) == ["/items/{key}"]
    read = operation(document, "GET /items/{key}")
    assert [each["route"] for each in read[MARK]["also"]] == ["GET /items/<name>"]
    assert "`GET /items/<name>` (legacy)" in read["description"]
    assert read["parameters"][0]["schema"] == {
        "anyOf": [{"type": "string", "format": "uuid"}, {"type": "string", "minLength": 1}]
    }
    posted = operation(document, "POST /items/{key}")["parameters"][0]
    assert (posted["name"], posted["schema"]["type"]) == ("key", "integer")
    move(gateway, "GET /items/<name>")
    after = fetch(app)
    assert shape(after) == shape(document)
    assert operation(after, "GET /items/{key}")[MARK]["served_by"] == "flask"
    assert operation(after, "GET /items/{key}")[MARK]["also"][0]["served_by"] == "fastapi"


def test_variables_of_one_path_have_one_name(mount: Mount) -> None:
    """Flask may call them differently for each method; OpenAPI knows one path."""
    app = FastAPI()
    mount(app, flask_with("GET /x/<int:a>/y/<b>", "PUT /x/<c>/y/<int:d>"))
    document = fetch(app)
    assert list(document["paths"]) == ["/x/{a}/y/{b}"]
    put = operation(document, "PUT /x/{a}/y/{b}")["parameters"]
    assert [(each["name"], each["schema"]["type"]) for each in put] == [
        ("a", "string"),
        ("b", "integer"),
    ]


def test_natives_that_name_their_variables_differently(mount: Mount) -> None:
    """Each operation keeps the path that FastAPI gives it."""
    app = FastAPI()
    app.get("/x/{one}")(lambda one: one)
    app.put("/x/{two}")(lambda two: two)
    gateway = mount(app, flask_with("GET|PUT|DELETE /x/<int:zero>"))
    document = fetch(app)
    assert list(served(document)) == ["GET /x/{one}", "DELETE /x/{one}", "PUT /x/{two}"]
    move(gateway, "GET /x/<int:zero>", "PUT /x/<int:zero>")
    assert shape(fetch(app)) == shape(document)


def test_static_files_are_left_out(mount: Mount, tmp_path: Any) -> None:
    """Of the application and of blueprints; a view that is only called so is not."""
    flask_app = Flask("static", static_folder=str(tmp_path))
    assets = Blueprint("assets", "assets", static_folder=str(tmp_path), url_prefix="/assets")
    flask_app.register_blueprint(assets)
    pages = Blueprint("pages", "pages")
    pages.add_url_rule("/pages/<path:filename>", "static", lambda filename: filename)
    flask_app.register_blueprint(pages)
    app = FastAPI()
    mount(app, flask_app)
    document = fetch(app)
    assert list(served(document)) == ["GET /pages/{filename}"]
    assert len(document[MARK]["left_out"]) == 2


def test_operation_ids_do_not_collide(mount: Mount) -> None:
    """Flask's give way, also to a FastAPI route that Flask still answers."""
    flask_app = Flask("ids", static_folder=None)
    flask_app.add_url_rule("/a-b", "x", silent)
    flask_app.add_url_rule("/a.b", "x", silent)
    flask_app.add_url_rule("/c", "c", lambda: "")
    app = FastAPI()
    app.get("/c", operation_id="x_a_b_get")(lambda: "")
    gateway = mount(app, flask_app)
    ids = [each["operationId"] for _, _, each in operations(fetch(app))]
    assert ids[2] == "x_a_b_get"
    assert len(set(ids)) == 3
    move(gateway, "GET /c")
    assert [each["operationId"] for _, _, each in operations(fetch(app))] == ids


@pytest.mark.filterwarnings("ignore:Duplicate Operation ID:UserWarning")
def test_ids_that_fastapi_gives_twice(mount: Mount) -> None:
    """A route with two methods has one id in FastAPI; a document must not."""
    app = FastAPI()
    app.api_route("/a", methods=["GET", "POST"], operation_id="same")(lambda: "")
    mount(app, flask_with("GET|POST /a"), "GET /a", "POST /a")
    ids = [each["operationId"] for _, _, each in operations(fetch(app))]
    assert ids == ["same", "same_post"]


def test_a_flask_application_under_a_path(mount: Mount) -> None:
    """`DispatcherMiddleware` and `ProxyFix` are seen through: the URLs are the client's."""
    flask_app = legacy()
    other = Flask("other", static_folder=None)
    wsgi = ProxyFix(DispatcherMiddleware(other, {"/api": flask_app}))
    app = native()
    mount(app, wsgi, "GET /items/<int:item_id>", flask_app=flask_app)
    document = app.openapi()
    assert served(document)["GET /api/items/{number}"] == "fastapi"
    assert served(document)["GET /api/stock"] == "flask"
    for path, side in (("/api/items/1", "fastapi"), ("/api/stock", "flask")):
        assert ask(app, "GET", path).served_by == side


def test_a_wsgi_application_that_is_no_flask(mount: Mount) -> None:
    """Only what the map gives to FastAPI is known, and the document says so."""

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"wsgi"]

    app = native()
    mount(app, wsgi, "GET /items/{number}")
    document = fetch(app)
    assert served(document) == {"GET /items/{number}": "fastapi"}
    assert document[MARK]["left_out"][0]["route"] is None


def test_views_that_say_little(mount: Mount) -> None:
    """The endpoint's name is the summary, as in FastAPI."""
    app = native()
    mount(app, legacy())
    document = fetch(app)
    assert operation(document, "DELETE /items/{number}")["summary"] == "Remove It [legacy]"
    assert operation(document, "GET /stock")["description"].startswith("*Legacy")


def test_what_is_odd_in_one_view_is_its_own_matter(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """A team's first look at `/docs` must not fail for one of its hundred docstrings."""
    pytest.importorskip("yaml")
    app, legacy = FastAPI(), Flask("odd", static_folder=None)

    def circle() -> str:
        """See below.

        ---
        responses: {200: {description: it, content: {application/json: {schema: &s {not: *s}}}}}
        """
        return ""

    def listed() -> str:
        """See below.

        ---
        responses: [404]
        """
        return ""

    def unbounded() -> str:
        """An example: "\ud83d\ude00", and half of one: "\ud83d".

        ---
        parameters: [{in: query, name: q, schema: {type: number, maximum: .inf, minimum: 1}}]
        """
        return ""

    for view in (circle, listed, unbounded):
        legacy.add_url_rule(f"/{view.__name__}", view_func=view)
    # Braces mean nothing to Flask; to OpenAPI they would be a variable that nobody declares.
    legacy.add_url_rule("/literal/{id}/<name>", "literal", silent)
    mount(app, legacy)
    document = fetch(app)
    assert list(document["paths"]) == [
        "/circle",
        "/listed",
        "/unbounded",
        "/literal/%7Bid%7D/{name}",
    ]
    unbounded_get = operation(document, "GET /unbounded")
    assert unbounded_get["summary"].startswith(
        'An example: "\U0001f600", and half of one: "\ufffd"'
    )
    assert unbounded_get["parameters"][0]["schema"] == {"type": "number", "minimum": 1}
    assert [record.getMessage() for record in caplog.records] == [
        "the YAML in the docstring of circle can't be documented",
        "the YAML in the docstring of listed can't be documented",
    ]


def test_deprecated_views(mount: Mount) -> None:
    """PEP 702 is understood."""

    def view() -> str:
        return ""

    view.__deprecated__ = "use another"  # type: ignore[attr-defined]
    flask_app = Flask("deprecated", static_folder=None)
    flask_app.add_url_rule("/a", "a", view)
    app = FastAPI()
    mount(app, flask_app)
    assert operation(fetch(app), "GET /a")["deprecated"] is True


def test_thousands_of_routes(mount: Mount) -> None:
    """An edit costs a fraction of a second, also for a large service."""
    flask_app = Flask("many", static_folder=None)
    for number in range(2000):
        flask_app.add_url_rule(f"/r{number}/<int:x>/<name>", f"e{number}", lambda **_: "")
    app = FastAPI()
    gateway = mount(app, flask_app)
    before = time.process_time()
    assert len(app.openapi()["paths"]) == 2000
    move(gateway, settings="# another revision")
    assert len(app.openapi()["paths"]) == 2000
    assert time.process_time() - before < 2  # measured: 0.2, two builds and a reload
