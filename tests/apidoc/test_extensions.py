"""Flask's documentation extensions, the real ones: what they know is in the one document."""

# mypy: disable-error-code="misc, name-defined, untyped-decorator"
# ruff: noqa: D205 - the docstrings are what is read

from __future__ import annotations

import sys
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Blueprint, Flask
from flask.sessions import SecureCookieSessionInterface
from flask.views import MethodView

from crossfade.apidoc import MARK
from tests.apidoc.kit import Json, fetch, move, served, shape
from tests.asgi.kit import Mount

# Some of these packages use what newer releases of others deprecate; that is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def schema_of(document: Json, operation: Json, status: str = "200") -> Any:
    """Return the JSON schema of an answer, its reference followed."""
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    return followed(document, schema)


def followed(document: Json, schema: Json) -> Any:
    """Return what a reference leads to."""
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].removeprefix("#/components/schemas/")
    assert name.startswith("Legacy.")
    return document["components"]["schemas"][name]


def restx() -> Flask:
    """Return an application with a Flask-RESTX `Api` under a blueprint, and one beside it."""
    flask_restx = pytest.importorskip("flask_restx")
    fields = flask_restx.fields
    app = Flask("restx", static_folder=None)
    blueprint = Blueprint("v1", "v1", url_prefix="/v1")
    authorizations = {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "basic": {"type": "basic"},
        "oauth": {
            "type": "oauth2",
            "flow": "accessCode",
            "authorizationUrl": "https://example.com/a",
            "tokenUrl": "https://example.com/t",
            "scopes": {"read": "Read"},
        },
    }
    api = flask_restx.Api(blueprint, authorizations=authorizations, security="key")
    pets = api.namespace("pets", description="All pets")
    model = api.model("A pet", {"id": fields.Integer(min=1), "name": fields.String(required=True)})

    @pets.route("/<int:pet_id>")
    @pets.param("pet_id", "Its number")
    class Pet(flask_restx.Resource):
        @pets.marshal_with(model)
        @pets.response(404, "No such pet")
        def get(self, pet_id: int) -> Any:
            """Return a pet.

            With its name.
            """
            return {"id": pet_id, "name": "Rex"}

        @pets.expect(model)
        @pets.doc(security=[{"oauth": ["read"]}, "basic"])
        def put(self, pet_id: int) -> Any:
            """Write a pet."""

        @pets.hide
        def delete(self, pet_id: int) -> Any:
            """Not for the public."""

    @pets.route("/secret", doc=False)
    class Secret(flask_restx.Resource):
        def get(self) -> Any:
            """Not for the public either."""

    app.register_blueprint(blueprint)
    second = flask_restx.Api(app, prefix="/v2", doc="/v2/doc")

    @second.route("/upload")
    class Upload(flask_restx.Resource):
        parser = flask_restx.reqparse.RequestParser()
        parser.add_argument("file", location="files", type=object, required=True)
        parser.add_argument("tags", location="args", action="split")

        @second.expect(parser)
        def post(self) -> Any:
            """Send a file."""

    return app


def test_flask_restx(mount: Mount) -> None:
    """Models, parameters, answers, security and hidden routes of every `Api`."""
    app = FastAPI()
    mount(app, restx())
    document = fetch(app)
    assert set(served(document)) == {
        "GET /v1/pets/{pet_id}",
        "PUT /v1/pets/{pet_id}",
        "POST /v2/upload",
    }
    read = document["paths"]["/v1/pets/{pet_id}"]["get"]
    assert read["summary"] == "Return a pet [legacy]"
    assert read["description"].startswith("With its name.")
    assert read["tags"] == ["pets"]
    number = read["parameters"][0]
    assert (number["description"], number["schema"]["type"]) == ("Its number", "integer")
    assert schema_of(document, read)["properties"]["id"] == {"type": "integer", "minimum": 1}
    assert read["responses"]["404"] == {"description": "No such pet"}
    assert read["security"] == [{"Legacy.key": []}]
    written = document["paths"]["/v1/pets/{pet_id}"]["put"]
    body = written["requestBody"]["content"]["application/json"]["schema"]
    assert followed(document, body)["required"] == ["name"]
    assert written["security"] == [{"Legacy.oauth": ["read"]}, {"Legacy.basic": []}]
    schemes = document["components"]["securitySchemes"]
    assert schemes["Legacy.basic"] == {"type": "http", "scheme": "basic"}
    assert "authorizationCode" in schemes["Legacy.oauth"]["flows"]
    assert {"name": "pets", "description": "All pets"} in document["tags"]
    upload = document["paths"]["/v2/upload"]["post"]
    assert list(upload["requestBody"]["content"]) == ["multipart/form-data"]
    assert upload["parameters"][0]["name"] == "tags"


def test_flask_restx_moves(mount: Mount) -> None:
    """A resource's method moves like any route, and back."""
    app = FastAPI()
    app.get("/v1/pets/{number}", tags=["native pets"])(lambda number: number)
    gateway = mount(app, restx())
    before = fetch(app)
    assert before["paths"]["/v1/pets/{number}"]["get"]["parameters"][0]["name"] == "number"
    move(gateway, "GET /v1/pets/<int:pet_id>")
    after = fetch(app)
    assert shape(before) == shape(after)
    assert served(after)["GET /v1/pets/{number}"] == "fastapi"
    assert served(after)["PUT /v1/pets/{number}"] == "flask"


def smorest() -> Flask:
    """Return an application with flask-smorest and marshmallow."""
    flask_smorest = pytest.importorskip("flask_smorest")
    marshmallow = pytest.importorskip("marshmallow")
    app = Flask("smorest", static_folder=None)
    app.config.update(
        API_TITLE="T",
        API_VERSION="1",
        OPENAPI_VERSION="3.0.2",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="spec.json",
    )
    api = flask_smorest.Api(app)
    blueprint = flask_smorest.Blueprint("pets", "pets", url_prefix="/pets", description="Pets!")
    fields = marshmallow.fields

    class Pet(marshmallow.Schema):
        id = fields.Int(dump_only=True, allow_none=True)
        name = fields.String(required=True)
        weight = fields.Float(validate=marshmallow.validate.Range(min=0, max=9))

    class Query(marshmallow.Schema):
        name = fields.String()

    @blueprint.route("/")
    class Pets(MethodView):
        @blueprint.arguments(Query, location="query")
        @blueprint.response(200, Pet(many=True))
        def get(self, query: Any) -> Any:
            """List pets."""

        @blueprint.arguments(Pet)
        @blueprint.response(201, Pet)
        def post(self, pet: Any) -> Any:
            """Add a pet."""

    api.register_blueprint(blueprint)
    return app


def test_flask_smorest(mount: Mount) -> None:
    """Marshmallow's schemas for query, body and answer, written as OpenAPI 3.1."""
    app = FastAPI()
    mount(app, smorest())
    document = fetch(app)
    assert list(served(document)) == ["GET /pets/", "POST /pets/"]
    listed, added = (document["paths"]["/pets/"][method] for method in ("get", "post"))
    assert [(each["name"], each["in"]) for each in listed["parameters"]] == [("name", "query")]
    pet = followed(document, schema_of(document, listed)["items"])
    assert pet["properties"]["id"]["type"] == ["integer", "null"]
    assert pet["properties"]["weight"] == {"type": "number", "minimum": 0, "maximum": 9}
    body = added["requestBody"]["content"]["application/json"]["schema"]
    assert followed(document, body)["required"] == ["name"]
    assert {"name": "pets", "description": "Pets!"} in document["tags"]


def flasgger(config: Json) -> Flask:
    """Return an application with Flasgger: YAML in a docstring, and `swag_from`."""
    flasgger = pytest.importorskip("flasgger")
    app = Flask("flasgger", static_folder=None)
    app.config["SWAGGER"] = {**flasgger.Swagger.DEFAULT_CONFIG, **config}
    flasgger.Swagger(app)

    @app.get("/colors/<palette>/")
    def colors(palette: str) -> Any:
        """Return the colors.
        ---
        parameters:
          - {name: palette, in: path, type: string, enum: [rgb, cmyk], required: true}
          - {name: most, in: query, type: integer, x-nullable: true}
        definitions:
          Palette:
            type: object
            properties:
              colors: {type: array, items: {$ref: '#/definitions/Color'}}
          Color: {type: string}
        responses:
          200:
            description: The colors
            schema: {$ref: '#/definitions/Palette'}
            headers:
              X-Count: {type: integer, description: How many}
        """

    @app.post("/files")
    @flasgger.swag_from(
        {
            "tags": ["files"],
            "parameters": [
                {"name": "file", "in": "formData", "type": "file", "required": True},
                {"name": "note", "in": "formData", "type": "string", "description": "Words"},
            ],
            "responses": {201: {"description": "Kept"}},
        }
    )
    def upload() -> Any:
        """Keep a file."""

    @app.get("/plain")
    def plain() -> Any:
        """Say little."""

    return app


def test_flasgger(mount: Mount) -> None:
    """Swagger 2.0 in a docstring and in `swag_from`, written as OpenAPI 3.1."""
    app = FastAPI()
    mount(app, flasgger({}))
    document = fetch(app)
    assert list(served(document)) == ["GET /colors/{palette}/", "POST /files", "GET /plain"]
    colors = document["paths"]["/colors/{palette}/"]["get"]
    assert colors["summary"] == "Return the colors. [legacy]"
    assert [each["schema"] for each in colors["parameters"]] == [
        {"type": "string", "minLength": 1, "enum": ["rgb", "cmyk"]},
        {"type": ["integer", "null"]},
    ]
    items = schema_of(document, colors)["properties"]["colors"]["items"]
    assert followed(document, items) == {"type": "string"}
    assert colors["responses"]["200"]["headers"] == {
        "X-Count": {"description": "How many", "schema": {"type": "integer"}}
    }
    upload = document["paths"]["/files"]["post"]
    assert upload["tags"] == ["files"]
    form = upload["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert form["properties"]["note"] == {"type": "string", "description": "Words"}
    assert document["paths"]["/plain"]["get"]["summary"] == "Say little. [legacy]"
    assert any(left["route"] == "GET /apispec_1.json" for left in document[MARK]["left_out"])


def test_flasgger_as_openapi_3(mount: Mount) -> None:
    """Its other form is understood too."""
    app = FastAPI()
    flask_app = flasgger({"openapi": "3.0.3"})

    @flask_app.get("/modern")
    def modern() -> Any:
        """Return one.
        ---
        responses:
          200:
            description: One
            content:
              application/json:
                schema: {type: integer, nullable: true, minimum: 0, exclusiveMinimum: true}
        """

    mount(app, flask_app)
    document = fetch(app)
    answer = schema_of(document, document["paths"]["/modern"]["get"])
    assert answer == {"type": ["integer", "null"], "exclusiveMinimum": 0}


def test_marshmallow_in_a_docstring(mount: Mount) -> None:
    """The convention of apispec: one operation a method, schemas by the name of their class."""
    pytest.importorskip("apispec")
    pytest.importorskip("yaml")
    marshmallow = pytest.importorskip("marshmallow")

    class GardenSchema(marshmallow.Schema):
        plants = marshmallow.fields.List(marshmallow.fields.String(), required=True)

    flask_app = Flask("apispec", static_folder=None)

    @flask_app.route("/gardens/<int:garden_id>", methods=["GET", "PUT"])
    def garden(garden_id: int) -> Any:
        """A garden.
        ---
        get:
          responses:
            200:
              description: The garden
              content:
                application/json:
                  schema: GardenSchema
        put:
          summary: Plant it
          requestBody:
            content:
              application/json:
                schema: GardenSchema
        """

    app = FastAPI()
    mount(app, flask_app)
    document = fetch(app)
    read, planted = (document["paths"]["/gardens/{garden_id}"][m] for m in ("get", "put"))
    assert schema_of(document, read)["required"] == ["plants"]
    assert read["summary"] == "A garden. [legacy]"
    assert planted["summary"] == "Plant it [legacy]"
    body = planted["requestBody"]["content"]["application/json"]["schema"]
    assert followed(document, body)["required"] == ["plants"]


def test_a_schema_that_is_not_there(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without apispec a schema's name says nothing, and the route is documented all the same."""
    pytest.importorskip("yaml")
    monkeypatch.setitem(sys.modules, "apispec", None)
    flask_app = Flask("apispec", static_folder=None)

    @flask_app.get("/garden")
    def garden() -> Any:
        """A garden.
        ---
        responses:
          200:
            description: The garden
            content: {application/json: {schema: GardenSchema}}
        """

    app = FastAPI()
    mount(app, flask_app)
    document = fetch(app)
    assert schema_of(document, document["paths"]["/garden"]["get"]) == {}


def test_an_extension_that_fails(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and its routes are documented from their rules."""
    flask_app = smorest()
    flask_app.extensions["flask-smorest"]["apis"] = {"": {"ext_obj": None}}
    app = FastAPI()
    mount(app, flask_app)
    assert list(served(fetch(app))) == ["GET /pets/", "POST /pets/"]
    assert "flask-smorest could not describe its routes" in caplog.text


def test_no_session_is_opened(mount: Mount) -> None:
    """Flask-RESTX needs a request to describe itself: none that reaches a session's store."""
    opened: list[object] = []

    class Store(SecureCookieSessionInterface):
        def open_session(self, *arguments: Any) -> Any:
            opened.append(arguments)
            return super().open_session(*arguments)

    flask_app = restx()
    flask_app.session_interface = Store()
    app = FastAPI()
    mount(app, flask_app)
    assert "GET /v1/pets/{pet_id}" in served(app.openapi())
    assert opened == []
