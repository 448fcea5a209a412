"""What was sent: input that the two frameworks read, or refuse, differently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from werkzeug.http import parse_cookie

from crossfade.contract.diagnosis import sent
from crossfade.contract.diagnosis.consequences import crashed
from crossfade.contract.diagnosis.pages import json_of
from crossfade.contract.diagnosis.rule import BODY, Cause, View, rule
from crossfade.messages.compare import Kind
from crossfade.messages.exchange import Raised, Request

_FORM_MEMORY: Final = 500_000  # Flask's MAX_FORM_MEMORY_SIZE
_MOST_FIELDS: Final = 1000  # Starlette's


# --- validation ---------------------------------------------------------------------------------


@rule(
    "XF150", "FastAPI's validation refuses the input",
    "a RequestValidationError was raised, or FastAPI's own 422 names an input that the endpoint "
    "declares; Flask answers another status", Kind.STATUS,
)  # fmt: skip
def validation(view: View) -> Cause | None:
    """By the place of the input that was refused."""
    refused = _refused(view)
    if refused is None or crashed(view.native) or view.theirs < 400:
        return None
    location, message = refused
    place, name = location[0], location[1] if len(location) > 1 else ""
    said = f": {message}" if message else ""
    shown = f"{place} {name}".strip()
    cause = f"FastAPI's validation refuses {_named(view, place, name)}"
    if view.ours >= 400:
        return Cause(
            f"{cause} with {view.theirs}, where Flask refuses with {view.ours}",
            view.compat("@validation_error(lambda error: …) on the endpoint")
            + " says what the view answers; or "
            + _reads(view, place, name),
            f"the validation error is about {shown}{said}",
            f"refused {_key(view, place, name)}",
        )
    return Cause(
        f"{cause}, which Flask takes",
        f"{_reads(view, place, name)}; or declare it as what the view takes",
        f"the validation error is about {shown}{said}",
        f"taken {_key(view, place, name)}",
    )


def _key(view: View, place: str, name: str) -> str:
    """What is mended in one place: a model, or a single parameter, field or file."""
    single = any(_is_declared_as(view, each, name) for each in ("form", "file"))
    return place if place == "body" and not single else f"{place} {name}"


def _refused(view: View) -> tuple[tuple[str, ...], str] | None:
    """The first input that FastAPI's validation refused: where it stood, and why."""
    raised: Raised | None = view.native.raised
    if raised is not None:
        return raised.refused[0] if raised.refused else None
    found = json_of(view.native)
    details = found.get("detail") if isinstance(found, dict) else None
    if view.theirs != 422 or not isinstance(details, list) or not details:
        return None
    first = details[0]
    if not isinstance(first, dict) or not {"loc", "msg", "type"} <= set(first):
        return None
    location = tuple(map(str, first["loc"])) if isinstance(first["loc"], list) else ()
    if not location or not _is_declared(view, location):
        return None
    return location, str(first["msg"])


def _is_declared(view: View, location: tuple[str, ...]) -> bool:
    place = location[0]
    if place not in ("path", "query", "header", "cookie", "body"):
        return False
    if not view.facts.known:
        return place == "body" or len(location) > 1
    inputs = view.facts.inputs
    if place == "body":
        return any(inputs.get(each) for each in ("body", "form", "file"))
    return location[1:2] != () and location[1] in inputs.get(place, frozenset())


def _named(view: View, place: str, name: str) -> str:
    if place == "body" and _is_declared_as(view, "file", name):
        return f"the file {name}"
    if place == "body":
        return f"the field {name}" if _is_declared_as(view, "form", name) else "the body"
    return f"the {place} parameter {name}" if place in ("path", "query") else f"the {place} {name}"


def _reads(view: View, place: str, name: str) -> str:
    """What reads this input as Flask does."""
    if place == "query":
        return view.compat(f'Annotated[str, arg("{name}", …)]') + " answers as request.args does"
    if place in ("header", "cookie"):
        read = f'Annotated[str, {place}("{name}")]'
        return view.compat(read) + f" answers as request.{place}s does"
    if place == "body" and _is_declared_as(view, "file", name):
        read = f'Annotated[FileStorage, file("{name}")] with openapi_extra=form_body('
        read += f'files=("{name}",)) on the route'
        return (
            view.compat(read) + " takes a part without a plain filename for a file, as Flask does"
        )
    if place == "body" and _is_declared_as(view, "form", name):
        read = (
            f'Annotated[str, form("{name}")] with openapi_extra=form_body({name}=str) on the route'
        )
        return view.compat(read) + ": an empty field is given, as in request.form"
    if place == "body":
        read = (
            "Annotated[Model, json_model(Model)] with openapi_extra=json_body(Model) on the route"
        )
        return view.compat(read) + (
            " answers as request.get_json() does: 400 for what is not JSON, 415 for another "
            "content type"
        )
    return "declare the parameter with the type that Flask's converter gives"


def _is_declared_as(view: View, place: str, name: str) -> bool:
    """Whether the endpoint declares an input of the body as a form's field or as a file.

    Where nothing is known of it, the request says what was meant.
    """
    if view.facts.known:
        return name in view.facts.inputs.get(place, frozenset())
    kind = sent.media_type(view.request)
    is_upload = kind == sent.MULTIPART and b"filename" in view.request.body
    return is_upload if place == "file" else kind in (sent.FORM, sent.MULTIPART)


# --- form limits --------------------------------------------------------------------------------


@rule(
    "XF151", "Flask's limit of form fields",
    "the form is over 500 kB and under MAX_CONTENT_LENGTH, and only Flask answers 413", Kind.STATUS,
)  # fmt: skip
def form_memory(view: View) -> Cause | None:
    """MAX_FORM_MEMORY_SIZE."""
    size, limit = len(view.request.body), view.facts.max_content_length
    if view.ours != 413 or view.theirs == 413 or not _is_form(view.request):
        return None
    if size <= _FORM_MEMORY or (limit is not None and size > limit):
        return None
    return Cause(
        "Flask refuses form fields over 500 kB in total (MAX_FORM_MEMORY_SIZE) with 413; Starlette "
        "takes 1 MB each and answers 400",
        view.compat('Annotated[str, form("…")] and file("…")') + " read as Flask does",
        f"the form has {size} bytes, and Flask answers 413",
        "form memory",
    )


@rule(
    "XF152", "Flask's limit of bodies",
    "the body is over MAX_CONTENT_LENGTH and only Flask answers 413", Kind.STATUS,
)  # fmt: skip
def content_length(view: View) -> Cause | None:
    """MAX_CONTENT_LENGTH."""
    size, limit = len(view.request.body), view.facts.max_content_length
    if view.ours != 413 or view.theirs == 413 or limit is None or size <= limit:
        return None
    return Cause(
        f"Flask refuses bodies over MAX_CONTENT_LENGTH ({limit} bytes) with 413",
        'keep hooks = "flask" in the map: native routes keep to the limit then',
        f"the body has {size} bytes",
        "content length",
    )


@rule(
    "XF153", "Starlette's limit of form fields",
    "the form has over 1,000 fields and only FastAPI answers 400", Kind.STATUS,
)  # fmt: skip
def form_fields(view: View) -> Cause | None:
    """max_fields."""
    count = sum(map(len, sent.fields(view.request).values()))
    count = count or view.request.body.count(b"Content-Disposition: form-data")
    if view.theirs != 400 or view.ours == 400 or not _is_form(view.request):
        return None
    if count <= _MOST_FIELDS:
        return None
    return Cause(
        "Starlette refuses a form of over 1000 fields with 400",
        view.compat('Annotated[str, form("…")] and file("…")') + " read as Flask does",
        f"the form has {count} fields, and FastAPI answers 400",
        "form fields",
    )


@rule(
    "XF154", "Starlette's multipart parser refuses the form",
    "the form is multipart and FastAPI answers 400 by an exception from before the endpoint",
    Kind.STATUS,
)  # fmt: skip
def multipart(view: View) -> Cause | None:
    """What Werkzeug's parser forgives."""
    raised = view.native.raised
    if view.theirs != 400 or view.ours == 400 or sent.media_type(view.request) != sent.MULTIPART:
        return None
    if raised is None or raised.place or raised.refused or raised.status != 400:
        return None
    return Cause(
        "Starlette's multipart parser refuses what Werkzeug's reads: text before the first "
        "boundary, a header in another form",
        view.compat('Annotated[str, form("…")] and file("…")') + " read as Flask does",
        f"before the endpoint ran: {raised.text}",
        "multipart",
    )


def _is_form(request: Request) -> bool:
    return sent.media_type(request) in (sent.FORM, sent.MULTIPART)


# --- sent twice ---------------------------------------------------------------------------------


_TELLING: Final = 3  # characters; a shorter text stands in a longer one by chance


def _shows(value: str | None, text: str) -> bool:
    """Whether a value of an answer is a text that was sent, or has it as a word."""
    if not text or value is None:
        return False
    if _text(value) == text:
        return True
    return len(text) >= _TELLING and bool(re.search(rf"(?<!\w){re.escape(text)}(?!\w)", value))


def _twice(
    view: View, now: dict[str, list[str]], before: dict[str, list[str]] | None
) -> Iterator[tuple[str, list[str], bool]]:
    """What was sent twice: name, values, and whether the good request shows that this is why.

    So it is where that has the name once, with one of these values, and is answered alike.
    """
    for name, values in now.items():
        if len(values) > 1 and len(set(values)) > 1:
            once = (before or {}).get(name, [])
            shown = view.base_agrees is True and len(once) == 1 and once[0] in values
            yield name, values, shown


def _first_and_last(view: View, values: list[str]) -> bool:
    """Whether Flask's value shows the first and FastAPI's the last, and not the other way round."""
    ours, theirs = view.difference.legacy, view.difference.native
    first, last = values[0], values[-1]
    return (
        view.base_agrees is not False
        and (_shows(ours, first) or _shows(theirs, last))
        and not (_shows(ours, last) and last not in first)
        and not (_shows(theirs, first) and first not in last)
    )


@rule(
    "XF161", "A parameter or field that came twice",
    "Flask's value shows the first and FastAPI's the last, or the request with it once is answered "
    "alike", BODY,
)  # fmt: skip
def value_twice(view: View) -> Cause | None:
    """Flask takes the first value, Starlette the last."""
    base = None if view.base is None else view.base.native.request
    for reader, now, before in (
        ("arg", sent.query(view.request), None if base is None else sent.query(base)),
        ("form", sent.fields(view.request), None if base is None else sent.fields(base)),
    ):
        for name, values, alike_once in _twice(view, now, before):
            if alike_once or _first_and_last(view, values):
                return Cause(
                    f"{name} came twice: Flask takes the first value, Starlette the last",
                    view.compat(f'Annotated[str, {reader}("{name}")]'),
                    _evidence(alike_once, f"of {values} Flask shows the first, FastAPI the last"),
                )
    return None


def _evidence(alike_once: bool, by_values: str) -> str:
    return "the good request has it once and is answered alike" if alike_once else by_values


_LATIN_1: Final = 0xFF


# --- odd forms ----------------------------------------------------------------------------------


@rule(
    "XF163", "A cookie's escapes",
    "a cookie has letters outside of Latin-1, written as octal escapes, and Flask's value shows "
    "them", BODY,
)  # fmt: skip
def odd_cookie(view: View) -> Cause | None:
    """Werkzeug decodes escapes as UTF-8. Other cookies are shown to FastAPI as Flask reads them."""
    if view.base_agrees is False:
        return None
    ours, theirs = (_text(each) for each in (view.difference.legacy, view.difference.native))
    for name, read in parse_cookie("; ".join(view.request.values("cookie"))).items():
        outside = any(ord(letter) > _LATIN_1 for letter in read)
        if outside and read in ours and read not in theirs:
            return Cause(
                f"the cookie {name} has letters in octal escapes: Werkzeug decodes them as UTF-8, "
                "Starlette as latin-1",
                view.compat(f'Annotated[str, cookie("{name}")]'),
                f"Werkzeug reads {read!r}",
                f"odd cookie {name}",
            )
    return None


def _text(value: str | None) -> str:
    """A JSON string's text; any other value as it is."""
    text = value or ""
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text


@rule(
    "XF164", "Raw bytes in a form",
    "the form holds bytes that are not escaped, Flask's value shows them as UTF-8 and FastAPI's as "
    "latin-1", BODY,
)  # fmt: skip
def raw_form(view: View) -> Cause | None:
    """Starlette reads latin-1."""
    body = view.request.body
    if sent.media_type(view.request) != sent.FORM or body.isascii() or view.base_agrees is False:
        return None
    utf8 = sent.pairs(body.decode("utf-8", "replace"))
    latin = sent.fields(view.request)
    ours, theirs = view.difference.legacy, view.difference.native
    for (name, read), other in zip(utf8.items(), latin.values(), strict=False):
        if _shows(ours, read[0]) and _shows(theirs, other[0]) and read != other:
            return Cause(
                "Flask reads a form's raw bytes as UTF-8, Starlette as latin-1",
                view.compat(f'Annotated[str, form("{name}")]'),
                f"{name} is {read[0]!r} as UTF-8 and {other[0]!r} as latin-1",
                "raw form",
            )
    return None


REFUSED = (validation, form_memory, content_length, form_fields, multipart)
SENT = (value_twice, odd_cookie, raw_form)
