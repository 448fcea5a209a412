"""Reading a request as Werkzeug reads it, with a typed signature that appears in `/docs`.

    @router.get("/search")
    async def search(
        page: Annotated[int, arg("page", int, 1)],        # request.args.get("page", 1, type=int)
        words: Annotated[list[str], args("word")],        # request.args.getlist("word")
        theme: Annotated[str, cookie("theme", "light")],
    ) -> Results: ...

Flask's own request is asked, so the first of two equal keys counts, what is no number counts as
not given, and what Flask answers 400, 413 or 415 is answered so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, TypeVar

import flask
from fastapi import Cookie, Depends, Header, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest

from crossfade.compat.context import flask_context
from crossfade.native.request.body import SHARED_BODY, SharedBody
from crossfade.native.request.early_guards import READS_BODY

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)

_SHORT: Final = 16_384
"""Bytes that are parsed on the event loop: it takes no longer than to find a thread for it."""

REQUIRED: Final[Any] = object()
"""The default of what must be given: without it the answer is 400."""


def arg(
    name: str,
    type: Callable[[str], Any] = str,  # noqa: A002 - as Werkzeug names it
    default: Any = REQUIRED,
    description: str = "",
) -> Any:
    """`request.args.get(name, default, type=type)`; 400 where it is required and not there."""

    def read() -> Any:
        return _value(flask.request.args, name, type, default)

    return _documented(read, name, _schema_of(type), default, Query, description)


def args(
    name: str,
    type: Callable[[str], Any] = str,  # noqa: A002 - as Werkzeug names it
    description: str = "",
) -> Any:
    """`request.args.getlist(name, type=type)`."""

    def read() -> Any:
        return flask.request.args.getlist(name, type=type)

    schema = {"type": "array", "items": _schema_of(type)}
    return _documented(read, name, schema, None, Query, description)


def cookie(name: str, default: Any = None, description: str = "") -> Any:
    """`request.cookies.get(name, default)`."""

    def read() -> Any:
        return flask.request.cookies.get(name, default)

    return _documented(read, name, {"type": "string"}, default, Cookie, description)


def header(name: str, default: Any = None, description: str = "") -> Any:
    """`request.headers.get(name, default)`: one that came twice is joined."""

    def read() -> Any:
        return flask.request.headers.get(name, default)

    return _documented(read, name, {"type": "string"}, default, Header, description)


def form(
    name: str,
    type: Callable[[str], Any] = str,  # noqa: A002 - as Werkzeug names it
    default: Any = REQUIRED,
) -> Any:
    """`request.form.get(name, default, type=type)`; `form_body` shows it in `/docs`."""
    return _of_body(lambda: _value(flask.request.form, name, type, default))


def forms(
    name: str,
    type: Callable[[str], Any] = str,  # noqa: A002 - as Werkzeug names it
) -> Any:
    """`request.form.getlist(name, type=type)`."""
    return _of_body(lambda: flask.request.form.getlist(name, type=type))


def file(name: str, default: Any = REQUIRED) -> Any:
    """`request.files[name]`: a `FileStorage`."""

    def read() -> FileStorage:
        if default is REQUIRED:
            return flask.request.files[name]
        found: FileStorage = flask.request.files.get(name, default)
        return found

    return _of_body(read)


def json(**options: Any) -> Any:
    """`request.get_json(**options)`: 400 for what is no JSON, 415 for another type."""
    return _of_body(lambda: flask.request.get_json(**options))


def json_model(model: type[Model], *, strict: bool = True) -> Any:
    """`request.get_json()` as a model. `json_body` shows it in `/docs`.

    Args:
        model: validates the parsed JSON.
        strict: `"1"`, `true` and `1.0` are no integers, as in Flask, which leaves them as they are.

    A body that the model refuses is a validation error, and answered as those are.
    """

    def read() -> Model:
        data = flask.request.get_json()
        try:
            return model.model_validate(data, strict=strict)
        except ValidationError as error:
            details = error.errors(include_url=False)
            located = [{**detail, "loc": ("body", *detail["loc"])} for detail in details]
            raise RequestValidationError(located, body=data) from error

    return _of_body(read)


async def read(argument: Any) -> Any:
    """Read the body in the handler, after what may refuse before it.

    A dependency is asked before the handler: the answer to a bad body would go before that of a
    check in the handler. A Flask view that checks first and reads then is this:

        @router.put("/todos/{todo_id}")
        async def change(todo_id: int) -> Todo:
            todo = await find(todo_id)              # 404, whatever the body is
            new = await read(json_model(NewTodo))   # 400, 415, …

    Args:
        argument: `json(…)`, `json_model(…)`, `form(…)`, `forms(…)` or `file(…)`.

    Raises:
        TypeError: it is something else.
        Exception: what the argument raises as a dependency.
    """
    found = getattr(getattr(argument, "dependency", None), READS_BODY, None)
    if found is None:
        raise TypeError(
            f"read() takes json(), json_model(), form(), forms() or file(), not {argument!r}"
        )
    return await _read_off_loop(found)


def json_body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose body `json_model` reads."""
    schema = model.model_json_schema()
    return _request_body("application/json", _inlined(schema, schema.pop("$defs", {})), required)


def form_body(
    *, required: tuple[str, ...] = (), files: tuple[str, ...] = (), **fields: Callable[[str], Any]
) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose body `form` and `file` read.

    Args:
        required: fields that must be given.
        files: the names of files; with one, the form is multipart.
        fields: each field's type, as given to `form`.
    """
    properties: dict[str, Any] = {name: _schema_of(kind) for name, kind in fields.items()}
    for name in files:
        properties[name] = {"type": "string", "format": "binary"}
    media = "multipart/form-data" if files else "application/x-www-form-urlencoded"
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return _request_body(media, schema, bool(required))


def _request_body(kind: str, schema: Mapping[str, Any], required: bool) -> dict[str, Any]:
    return {"requestBody": {"content": {kind: {"schema": schema}}, "required": required}}


def _inlined(schema: Any, definitions: Mapping[str, Any], within: tuple[str, ...] = ()) -> Any:
    """Return a schema with the models inside of it written out: its `$defs` mean nothing elsewhere.

    A model inside of itself may be anything.
    """
    if isinstance(schema, list):
        return [_inlined(each, definitions, within) for each in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if name not in definitions:
        return {key: _inlined(each, definitions, within) for key, each in schema.items()}
    beside = {key: each for key, each in schema.items() if key != "$ref"}
    if name in within:
        return beside
    return {**_inlined(definitions[name], definitions, (*within, name)), **beside}


def _value(values: MultiDict[str, str], name: str, kind: Callable[[str], Any], default: Any) -> Any:
    if default is not REQUIRED:
        return values.get(name, default, type=kind)
    text = values[name]  # raises the 400 of a key that is not there
    try:
        return kind(text)
    except (ValueError, TypeError) as error:
        raise BadRequest from error


def _documented(
    read: Callable[[], Any],
    name: str,
    schema: dict[str, Any],
    default: Any,
    kind: Callable[..., Any],
    description: str,
) -> Any:
    """Return a dependency that Flask answers and FastAPI documents."""

    async def dependency(connection: HTTPConnection, shown: Any = None) -> Any:
        flask_context(connection)
        return read()

    notes = [description] if description else []
    if default is REQUIRED:
        # FastAPI must not miss it, since Flask says what is missing; so it can only be written.
        notes.append("Required.")
    elif isinstance(default, str | int | float):
        notes.append(f"Default: {default}.")
    shown = Annotated[
        Any, kind(alias=name, description=" ".join(notes) or None), WithJsonSchema(schema)
    ]
    dependency.__annotations__ = {"connection": HTTPConnection, "shown": shown, "return": Any}
    return Depends(dependency)


def _of_body(read: Callable[[], T]) -> Any:
    async def dependency(connection: HTTPConnection) -> T:
        flask_context(connection)
        return await _read_off_loop(read)

    setattr(dependency, READS_BODY, read)
    return Depends(dependency)


async def _read_off_loop(read: Callable[[], T]) -> T:
    """Read and parse where neither the client nor a long body holds up anybody else."""
    body: SharedBody | None = flask.request.environ.get(SHARED_BODY)
    if body is not None:
        await body.complete()  # no thread waits for the client
    if body is None or body.size <= _SHORT:
        with suppress(RecursionError):  # the loop's stack is deeper than a thread's
            return read()
    return await run_in_threadpool(read)


def _schema_of(kind: Any) -> dict[str, Any]:
    try:
        return TypeAdapter(kind).json_schema()
    except Exception:  # noqa: BLE001 - any callable may be a type to Werkzeug
        return {"type": "string"}
