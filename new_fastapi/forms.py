"""Forms that browsers send: pydantic validates them, and their pages show what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

import flask
from fastapi import Depends, Request
from pydantic import BaseModel, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from werkzeug.datastructures import CombinedMultiDict, ImmutableMultiDict, MultiDict

Model = TypeVar("Model", bound=BaseModel)


async def _submitted(request: Request) -> MultiDict[str, Any]:
    if flask.has_request_context():
        # On a thread: the body may have yet to arrive, and Werkzeug waits for it.
        return await run_in_threadpool(_as_flask_wtf)
    return MultiDict((await request.form()).multi_items())


def _as_flask_wtf() -> MultiDict[str, Any]:
    """Return what a `FlaskForm` fills itself with: files, fields, or JSON if there are none."""
    request = flask.request
    if request.files:
        return CombinedMultiDict((request.files, request.form))
    if not request.form and request.is_json:
        return ImmutableMultiDict(request.get_json())
    return request.form


Submitted = Annotated[MultiDict[str, Any], Depends(_submitted)]


@dataclass
class Field:
    """A field as templates show it: what was typed, and what is wrong with it."""

    data: Any = None
    errors: list[str] = field(default_factory=list)


@dataclass
class Form(Generic[Model]):
    """A form as its page shows it.

    Attributes:
        value: what was sent; None if that is wrong, or nothing was sent.
        fields: each field of the model.
    """

    value: Model | None
    fields: dict[str, Field]


def empty(model: type[Model]) -> Form[Model]:
    """Return a form that nobody has filled in."""
    return Form(None, {name: Field() for name in model.model_fields})


def filled(model: type[Model], submitted: MultiDict[str, Any]) -> Form[Model]:
    """Return a form with what a browser sent; of two equal fields the first counts, as in Flask."""
    fields = {name: Field(submitted.get(name)) for name in model.model_fields}
    try:
        value = model.model_validate({name: each.data for name, each in fields.items()})
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            fields[str(problem["loc"][0])].errors.append(problem["msg"])
        return Form(None, fields)
    return Form(value, fields)


def required_text(missing: str, at_most: int, too_long: str) -> PlainValidator:
    """Return a validator with its messages: something in it, and not too much.

    As WTForms has it: a field with nothing but blanks counts as missing, one with more keeps them.
    """

    def check(value: Any) -> Any:
        if not value or (isinstance(value, str) and not value.strip()):
            raise PydanticCustomError("required", "{text}", {"text": missing})
        if len(value) > at_most:
            raise PydanticCustomError("too_long", "{text}", {"text": too_long})
        return value

    return PlainValidator(check, json_schema_input_type=str)


class GuestbookForm(BaseModel):
    """What a visitor fills in."""

    author: Annotated[
        str,
        required_text("Please sign with your name.", 40, "A name has at most 40 characters."),
    ]
    message: Annotated[
        str,
        required_text("Please write something.", 200, "A message has at most 200 characters."),
    ]
