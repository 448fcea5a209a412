"""Reading requests as Flask reads them: `request.get_json()`, `request.args`."""

from __future__ import annotations

import codecs
import json
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, quote

from fastapi import HTTPException, Request
from pydantic import BaseModel, ValidationError

BAD_REQUEST = "The browser (or proxy) sent a request that this server could not understand."
TOO_LARGE = "The data value transmitted exceeds the capacity limit."
NOT_JSON = (
    "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
)

FirstArgs = dict[str, str]


class RequestModel(BaseModel):
    """A JSON body; `problems` has, per field, what a client reads when that field is wrong."""

    problems: ClassVar[dict[str, str]]


Model = TypeVar("Model", bound=RequestModel)


async def read_model(request: Request, model: type[Model], max_length: int | None) -> Model:
    """Return the request's JSON object as `model`.

    Raises HTTPException with Flask's status and text: 415 without a JSON content type, 413 above
    `max_length` bytes, 400 for malformed JSON, no object, or the first field that is wrong.
    """
    data = await read_json(request, max_length)
    if not data:
        raise HTTPException(400, "Request body is required")
    if not isinstance(data, dict):
        raise HTTPException(400, "Request body must be a JSON object")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        field = str(error.errors(include_url=False)[0]["loc"][0])
        raise HTTPException(400, model.problems[field]) from error


async def read_json(request: Request, max_length: int | None) -> Any:
    """Return what `flask.request.get_json()` returns, or raise HTTPException where that aborts."""
    if not is_json(request.headers.get("content-type", "")):
        raise HTTPException(415, NOT_JSON)
    body = await read_body(request, max_length)
    try:
        return json.loads(body)
    except ValueError as error:  # also a UnicodeDecodeError, as in Flask
        raise HTTPException(400, BAD_REQUEST) from error


def is_json(content_type: str) -> bool:
    """Tell whether Flask takes this `Content-Type` for JSON: `application/json` or `…+json`."""
    mimetype = content_type.partition(";")[0].strip().lower()
    return mimetype == "application/json" or (
        mimetype.startswith("application/") and mimetype.endswith("+json")
    )


async def read_body(request: Request, max_length: int | None) -> bytes:
    """Return the body; raise HTTPException 413 when it is declared longer than `max_length`.

    A body of undeclared length is cut there: Werkzeug stops reading and does not say so.
    """
    declared = request.headers.get("content-length")
    if declared and max_length is not None and int(declared) > max_length:
        raise HTTPException(413, TOO_LARGE)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if max_length is not None and len(body) >= max_length:
            break
    return bytes(body[:max_length])


def first_args(request: Request) -> FirstArgs:
    """Return the query string's arguments; of one given twice the first counts, as in Flask."""
    query: str = request.scope["query_string"].decode()
    args: FirstArgs = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="keep_percent"):
        args.setdefault(name, value)
    return args


def integer(args: FirstArgs, name: str, default: int) -> int:
    """Return `args.get(name, default, type=int)`: what is no integer counts as not given."""
    try:
        return int(args[name])
    except (KeyError, ValueError):
        return default


def _keep_percent(error: UnicodeError) -> tuple[str, int]:
    """Leave `%ff`, which is not UTF-8, as it stands: `%FF`."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return quote(error.object[error.start : error.end], safe=""), error.end


codecs.register_error("keep_percent", _keep_percent)
