"""Why bodies differ."""

from __future__ import annotations

import re
from typing import Final

from crossfade.contract.diagnosis.pages import (
    is_default_page,
    is_fastapi_error,
    is_redirect_page,
    json_of,
)
from crossfade.contract.diagnosis.rule import BODY, Cause, Severity, View, rule
from crossfade.messages.codings import PACKAGES, unread
from crossfade.messages.compare import Kind

_VALUE: Final = Kind.JSON_VALUE
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[T ].*)?")
_PROVIDER: Final = "return FlaskJSONResponse(data)"


@rule(
    "XF400", "Bodies that can't be read here", "a Content-Encoding whose package is not installed",
    BODY, Severity.FORM,
)  # fmt: skip
def compressed(view: View) -> Cause | None:
    """Brotli, zstd."""
    coding = unread(view.legacy.response) or unread(view.native.response)
    if coding is None:
        return None
    return Cause(
        f"the bodies are compressed as {coding}, which can't be read here: they were compared byte "
        "for byte, and two compressors seldom agree on those",
        f"python3 -m pip install {PACKAGES[coding][0]}, so that what they hold is compared",
        f"Content-Encoding: {coding}",
    )


# --- the form of JSON ---------------------------------------------------------------------------

_FORMS: Final = {
    "key order": "Flask sorts keys, Starlette keeps their order",
    "escapes": "Flask escapes what is not ASCII, Starlette writes UTF-8",
    "whitespace": "the two write other blanks: Flask none, and an indent in debug mode",
    "newline at the end": "Flask ends with a newline, Starlette does not",
    "spelling of numbers": "Flask spells numbers as Python does, pydantic in its own way",
}


def _has_flasks_form(view: View) -> bool:
    """Whether Flask's body may have been written by its JSON provider: sorted, or with its end."""
    return view.legacy.response.body.endswith(b"\n")


@rule(
    "XF401", "Another form of the same JSON",
    "equal values, and the two texts differ in key order, escapes, blanks, numbers or the end",
    Kind.JSON_FORM, Severity.FORM,
)  # fmt: skip
def json_form(view: View) -> Cause | None:
    """One value in two spellings."""
    shown = view.difference.note.rpartition(": ")[2].split(", ")
    said = [_FORMS[each] for each in shown if each in _FORMS]
    if not said:
        return None
    fix = view.compat(f"{_PROVIDER}: Flask's own JSON provider")
    if not _has_flasks_form(view):
        fix = "write the text that the view writes: it is not that of Flask's JSON provider"
        said = [f"the two texts differ in {' and '.join(shown)}"]
    return Cause("; ".join(said), fix, view.difference.note, ", ".join(shown))


def _pair(view: View) -> tuple[str | None, str | None]:
    return view.difference.legacy, view.difference.native


# --- members ------------------------------------------------------------------------------------


def _is_member(view: View) -> bool:
    return not view.difference.where.endswith("]") and view.difference.where != "body"


def _name(view: View) -> str:
    return view.difference.where.rpartition(".")[2]


def _of_model(view: View) -> bool:
    """Whether a model of the answer may have done it: it does, as far as is known."""
    return view.facts.response_model or not view.facts.known


@rule(
    "XF410", "A null that only FastAPI sends",
    "FastAPI sends null for a member that Flask leaves out, and the route has a response model or "
    "nothing is known of it", _VALUE,
)  # fmt: skip
def extra_null(view: View) -> Cause | None:
    """A field without a value."""
    ours, theirs = _pair(view)
    if theirs != "null" or ours is not None or not _is_member(view):
        return None
    if not _of_model(view):
        return Cause(
            "the handler sends null where Flask leaves the member out",
            "leave it out of what the handler returns",
            "FastAPI sends null, Flask nothing; the route has no response model",
            "handler's null",
        )
    return Cause(
        "pydantic writes a field that has no value as null",
        "response_model_exclude_none=True or response_model_exclude_unset=True",
        "FastAPI sends null, Flask nothing",
        "extra null",
    )


@rule(
    "XF411", "null for an empty string", 'Flask sends "" and FastAPI null', _VALUE
)  # fmt: skip
def empty_string(view: View) -> Cause | None:
    """A default."""
    if view.difference.native != "null" or view.difference.legacy != '""':
        return None
    return Cause(
        "Flask sends an empty string, FastAPI null",
        "give the field the default that Flask sends: an empty string",
        'Flask sends ""',
    )


@rule(
    "XF412", "Errors with other members",
    "both refuse with one status, and a member of the body is on one side only", _VALUE,
)  # fmt: skip
def error_members(view: View) -> Cause | None:
    """Two ways to write an error."""
    if view.ours != view.theirs or view.ours < 400 or None not in _pair(view):
        return None
    if is_fastapi_error(view.native):
        return None  # XF203
    return Cause(
        "the two sides write an error with other members",
        'keep hooks = "flask" in the map and raise: Flask\'s own error handlers render it then; '
        "or return what the view returns",
        f"{view.difference.where} is on one side only, in an answer {view.ours}",
        "error members",
    )


@rule(
    "XF413", "A member that only FastAPI sends",
    "FastAPI succeeds and sends a member with a value that Flask does not send", _VALUE,
    Severity.SECURITY,
)  # fmt: skip
def leaked(view: View) -> Cause | None:
    """What nobody meant to publish, perhaps."""
    ours, theirs = _pair(view)
    if ours is not None or theirs in (None, "null") or not _is_member(view) or view.theirs >= 400:
        return None
    if _name(view) in ("None", "True", "False"):
        return None
    return Cause(
        "FastAPI sends a member that Flask does not: one that nobody meant to publish, perhaps",
        "leave it out: a response_model without the field, or a dictionary of what the view sends",
        f"only FastAPI has {view.difference.where}",
        "leaked",
    )


@rule(
    "XF414", "What response_model_exclude_none drops",
    "Flask sends null, FastAPI nothing, and the route excludes what is null", _VALUE,
)  # fmt: skip
def excluded_null(view: View) -> Cause | None:
    """A null that Flask sends."""
    ours, theirs = _pair(view)
    if theirs is not None or ours != "null" or not _is_member(view):
        return None
    if not view.facts.excludes_none:
        return None
    return Cause(
        "FastAPI leaves out what is null because of response_model_exclude_none",
        "take response_model_exclude_none away",
        "the route has response_model_exclude_none, and Flask sends null",
        "excluded null",
    )


@rule(
    "XF415", "What the response model does not declare",
    "FastAPI leaves out a member that the route's response model lacks", _VALUE,
)  # fmt: skip
def dropped(view: View) -> Cause | None:
    """A field that is missing in the model."""
    ours, theirs = _pair(view)
    if theirs is not None or ours is None or not _is_member(view) or view.theirs >= 400:
        return None
    fields = view.facts.fields
    if fields is None or _name(view) in fields:
        return None
    return Cause(
        "FastAPI drops what the response model does not declare",
        f"declare the field in the model: {_name(view)}",
        f"the model has {', '.join(sorted(fields)) or 'no fields'}",
        f"dropped {_name(view)}",
    )


# --- whole bodies -------------------------------------------------------------------------------


@rule(
    "XF421", "A tuple that became an array",
    "FastAPI's body is an array of two or three, the second of which is Flask's status", BODY,
    across=True,
)  # fmt: skip
def returned_tuple(view: View) -> Cause | None:
    """(body, status, headers)."""
    found = json_of(view.native)
    if not isinstance(found, list) or not 2 <= len(found) <= 3:
        return None
    if type(found[1]) is not int or found[1] != view.ours or view.theirs != 200:
        return None
    return Cause(
        "to Flask a tuple is (body, status, headers), to FastAPI an array",
        view.compat("decorate the handler with flask_view") + ", or return a Response",
        f"FastAPI's body is an array with {view.ours} in it, Flask's status",
        "tuple",
    )


@rule(
    "XF422", "A body where there must be none", "Flask answers 204 or 304, and FastAPI has a body",
    BODY, across=True,
)  # fmt: skip
def no_body(view: View) -> Cause | None:
    """204 and 304."""
    if (
        view.ours not in (204, 304)
        or view.difference.legacy is not None
        or view.theirs != view.ours
    ):
        return None
    return Cause(
        f"a {view.ours} has no body; a server breaks the connection over one",
        f'return FlaskResponse(("", {view.ours})) of crossfade.compat, or '
        f"Response(status_code={view.ours}) where Flask's has no content type",
        f"FastAPI's {view.theirs} has a body of {len(view.native.response.body)} bytes",
    )


@rule(
    "XF423", "A redirect's page",
    "both redirect to the same URL, and Flask's body is the page of Werkzeug's redirect", BODY,
    Severity.FORM, across=True,
)  # fmt: skip
def redirect_page(view: View) -> Cause | None:
    """Starlette's redirect has no body."""
    if not is_redirect_page(view.legacy) or not 300 <= view.theirs < 400:
        return None
    if view.legacy.response.values("location") != view.native.response.values("location"):
        return None
    return Cause(
        "Flask's redirect has a page of HTML, Starlette's is empty",
        view.compat("FlaskResponse(flask.redirect(url))")
        + ", or a handler below flask_view that returns flask.redirect(url)",
        "Flask's body is the page of Werkzeug's redirect",
        "redirect page",
    )


@rule(
    "XF424", "The page of a 500",
    'both answer 500, and FastAPI\'s body is the text "Internal Server Error"', BODY,
)  # fmt: skip
def error_page(view: View) -> Cause | None:
    """Each framework writes its own."""
    plain = view.native.response.body.strip() == b"Internal Server Error"
    if view.ours != 500 or view.theirs != 500 or not plain:
        return None
    page = "its own page" if is_default_page(view.legacy) else "what its error handler makes"
    return Cause(
        f"each framework writes its own 500: Flask {page}, FastAPI a line of text",
        'keep hooks = "flask" in the map: Flask\'s own error handlers render it then',
        'FastAPI\'s body is "Internal Server Error"',
        "500",
    )


@rule(
    "XF425", "Blanks and line ends", "the texts are equal but for blanks and line ends",
    frozenset({Kind.TEXT, Kind.BYTES}), Severity.FORM,
)  # fmt: skip
def blanks(view: View) -> Cause | None:
    """csv.writer."""
    if "line ends only" not in view.difference.note:
        return None
    return Cause(
        "the text is the same but for blanks or line ends: csv.writer ends a line with \\r\\n, "
        "text files and templates with \\n",
        "write the same blanks and line ends natively",
        view.difference.note,
    )


JSON = (
    json_form,
    extra_null,
    empty_string,
    error_members,
    leaked,
    excluded_null,
    dropped,
)
WHOLE = (returned_tuple, no_body, redirect_page, error_page, blanks, compressed)
