"""marshmallow's habits for pydantic models: what it accepts, and its words for what it refuses.

A model that took a schema's place keeps the odd fields' own conversion (`loads`); what pydantic
refuses by itself is told in marshmallow's words (`words_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, Final, Literal, TypeGuard, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from marshmallow import Schema, ValidationError
from marshmallow.fields import Field
from pydantic import BaseModel, BeforeValidator, PlainValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from crossfade import compat

# --- the schema itself, borrowed ------------------------------------------------------------------


def loaded(schema: Schema, *, partial: bool = False) -> Any:
    """Return a dependency: the JSON body, loaded by the schema.

    What the schema refuses is raised as it is, for Flask's own handler of `ValidationError`.
    """

    async def load(data: Annotated[Any, compat.json()]) -> Any:
        return schema.load(data, partial=partial)

    return Depends(load)


def schema_body(schema: Schema) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose body a schema loads."""
    shown = _with_numbers(_plugin().converter.schema2jsonschema(schema))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shown}}}}


def schema_query(schema: Schema) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose query string a schema loads."""
    return {"parameters": _plugin().converter.schema2parameters(schema, location="query")}


def _with_numbers(schema: Any) -> Any:
    """Return a schema whose bounds are numbers: of a decimal number apispec makes them text."""
    if not isinstance(schema, dict):
        return schema
    return {
        key: float(value)
        if key in ("minimum", "maximum") and isinstance(value, str)
        else _with_numbers(value)
        for key, value in schema.items()
    }


def _plugin() -> Any:
    """Return apispec's plugin, with schemas within schemas written out."""
    unnamed: Any = lambda schema: None  # noqa: E731 - apispec's type has no place for None
    plugin = MarshmallowPlugin(schema_name_resolver=unnamed)
    APISpec("", "", "3.1.0", plugins=[plugin])  # gives the plugin its converter
    return plugin


# --- models that accept what a schema accepted ----------------------------------------------------


def loads(field: Field[Any]) -> BeforeValidator:
    """Convert as a marshmallow field does, and then validate as the type says."""
    return BeforeValidator(_load_by(field))


def loads_text(field: Field[Any], shown: Any = str) -> PlainValidator:
    """Take the text that a marshmallow field takes: pydantic's `str` refuses half a surrogate."""
    return PlainValidator(_load_by(field), json_schema_input_type=shown)


def _load_by(field: Field[Any]) -> Callable[[Any], Any]:
    def load(value: Any) -> Any:
        try:
            return field.deserialize(value)
        except ValidationError as error:
            raise PydanticCustomError("marshmallow", "{texts}", {"texts": error.messages}) from None

    return load


# --- what pydantic refuses, in marshmallow's words ------------------------------------------------

WORDS: Final = {
    "missing": "Missing data for required field.",
    "extra_forbidden": "Unknown field.",
    "string_type": "Not a valid string.",
    "string_unicode": "Not a valid string.",
    "int_type": "Not a valid integer.",
    "int_parsing": "Not a valid integer.",
    "int_parsing_size": "Not a valid integer.",
    "int_from_float": "Not a valid integer.",
    "float_type": "Not a valid number.",
    "float_parsing": "Not a valid number.",
    "finite_number": "Special numeric values (nan or infinity) are not permitted.",
    "decimal_type": "Not a valid number.",
    "decimal_parsing": "Not a valid number.",
    "bool_type": "Not a valid boolean.",
    "bool_parsing": "Not a valid boolean.",
    "date_type": "Not a valid date.",
    "date_parsing": "Not a valid date.",
    "date_from_datetime_parsing": "Not a valid date.",
    "date_from_datetime_inexact": "Not a valid date.",
    "datetime_type": "Not a valid datetime.",
    "datetime_parsing": "Not a valid datetime.",
    "datetime_from_date_parsing": "Not a valid datetime.",
    "time_type": "Not a valid time.",
    "time_parsing": "Not a valid time.",
    "uuid_type": "Not a valid UUID.",
    "uuid_parsing": "Not a valid UUID.",
    "url_type": "Not a valid URL.",
    "url_parsing": "Not a valid URL.",
    "url_scheme": "Not a valid URL.",
    "list_type": "Not a valid list.",
    "dict_type": "Not a valid mapping type.",
}
"""marshmallow's text for each type of pydantic's errors that says the same."""

Words = dict[Any, Any]


def in_words_of_marshmallow(
    model: type[BaseModel],
) -> Callable[[RequestValidationError], tuple[dict[str, Any], int]]:
    """Return what `compat.validation_error` needs: `{"errors": …}` with 400."""

    def answer(error: RequestValidationError) -> tuple[dict[str, Any], int]:
        return {"errors": words_of(model, error.errors())}, 400

    return answer


def words_of(model: type[BaseModel], details: Iterable[Mapping[str, Any]]) -> Words:
    """Return what marshmallow's `ValidationError.messages` would have been.

    Args:
        model: what was validated.
        details: pydantic's errors; their places begin with `body`.
    """
    words: Words = {}
    for detail in details:
        place, kind, bounds = _follow(model, detail["loc"][1:])
        texts = list(_texts(detail, kind, bounds, is_root=not place))
        if detail["type"] in _NO_OBJECT and (not place or detail["input"] is not None):
            place = [*place, "_schema"]
        _put(words, place, texts)
    return words


_NO_OBJECT: Final = ("model_type", "model_attributes_type")


def _texts(
    detail: Mapping[str, Any], kind: Any, bounds: Mapping[type, Any], *, is_root: bool
) -> Iterator[str]:
    error = detail["type"]
    if error == "marshmallow":
        yield from detail["ctx"]["texts"]
    elif error == "value_error":  # a ValueError of the model's own
        yield str(detail["ctx"]["error"])
    elif error in ("missing", "extra_forbidden"):
        yield WORDS[error]
    elif detail["input"] is None and not is_root:
        yield "Field may not be null."
    elif error in _NO_OBJECT:
        yield "Invalid input type."
    elif get_origin(kind) is Literal:
        options = ", ".join(map(str, get_args(kind)))
        is_text = isinstance(detail["input"], str)
        yield f"Must be one of: {options}." if is_text else "Not a valid string."
    elif error in ("greater_than_equal", "less_than_equal"):
        yield _range(bounds.get(Ge), bounds.get(Le))
    elif error in ("string_too_short", "string_too_long", "too_short", "too_long"):
        yield _length(bounds.get(MinLen), bounds.get(MaxLen))
    else:
        yield WORDS.get(error, "Invalid value.")


def _range(low: Ge | None, high: Le | None) -> str:
    """Return the text of `validate.Range`: both ends, whichever was passed."""
    ends = [f"greater than or equal to {low.ge}"] if low else []
    ends += [f"less than or equal to {high.le}"] if high else []
    return f"Must be {' and '.join(ends)}."


def _length(low: MinLen | None, high: MaxLen | None) -> str:
    """Return the text of `validate.Length`."""
    if low and high:
        return f"Length must be between {low.min_length} and {high.max_length}."
    if low:
        return f"Shorter than minimum length {low.min_length}."
    return f"Longer than maximum length {high.max_length if high else 0}."


def _follow(
    model: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[list[Any], Any, dict[type, Any]]:
    """Walk to where an error is: marshmallow's place of it, the type there, and its bounds."""
    place: list[Any] = []
    kind: Any = model
    bounds: dict[type, Any] = {}
    steps = iter(loc)
    for step in steps:
        if _is_model(kind):
            place.append(step)
            kind, bounds = _field(kind, step)
        elif get_origin(kind) is dict:
            is_key = next(steps, None) == "[key]"
            place += [step, "key" if is_key else "value"]
            kind, bounds = _plain(get_args(kind)[0 if is_key else 1])
        else:
            place.append(step)
            kind, bounds = _plain(next(iter(get_args(kind)), None))
    return place, kind, bounds


def _is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _field(model: type[BaseModel], name: int | str) -> tuple[Any, dict[type, Any]]:
    for own_name, field in model.model_fields.items():
        if name in (field.alias, own_name):
            kind, bounds = _plain(field.annotation)
            return kind, {**bounds, **_bounds(field.metadata)}
    return None, {}


def _plain(annotation: Any) -> tuple[Any, dict[type, Any]]:
    """Return a type without `Annotated` and `None`, and the bounds that stood there."""
    bounds: dict[type, Any] = {}
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *metadata = get_args(annotation)
            bounds = {**_bounds(metadata), **bounds}
        elif NoneType in get_args(annotation):
            annotation = next(arg for arg in get_args(annotation) if arg is not NoneType)
        else:
            return annotation, bounds


def _bounds(metadata: Iterable[Any]) -> dict[type, Any]:
    found: dict[type, Any] = {}
    for entry in metadata:
        inner = entry.metadata if isinstance(entry, FieldInfo) else [entry]
        found.update({type(each): each for each in inner if type(each) in (Ge, Le, MinLen, MaxLen)})
    return found


def _put(words: Words, place: list[Any], texts: list[str]) -> None:
    *way, last = place
    for step in way:
        words = words.setdefault(step, {})
    words.setdefault(last, []).extend(texts)
