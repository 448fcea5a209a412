"""A side raised, or Flask answered twice."""

from __future__ import annotations

import re
from typing import Final

from crossfade.contract.diagnosis.consequences import crashed
from crossfade.contract.diagnosis.rule import ANY, Cause, View, rule
from crossfade.contract.engine.exceptions import exception_name, raised_at, what_was_raised
from crossfade.messages.compare import Kind

_TRACEBACK: Final = "the traceback is below"
_NOT_JSON: Final = re.compile(
    r"TypeError: Object of type \S+ is not JSON serializable"
    r"|ValueError: Out of range float values are not JSON compliant"
)
_THREAD: Final = "SQLite objects created in a thread can only be used in that same thread"
_NO_CONTEXT: Final = re.compile(r"Working outside of (request|application) context")


@rule(
    "XF100", "Flask answered both times", "Flask answered the request that FastAPI was asked", ANY
)
def both_by_flask(view: View) -> Cause | None:
    """Two answers of Flask's that differ."""
    return Cause(
        "Flask answered both times, and differently: the answer depends on the time, on chance or "
        "on something that is not reset between the two",
        "reset it in `contract_state`, or freeze it in a fixture",
        f"both answers come from Flask ({view.native.route or 'its URL map'})",
    )


def _native_error(view: View) -> str:
    """The traceback of what FastAPI's 500 is; "" where that is no exception."""
    return (view.native.error or "") if crashed(view.native) else ""


def _group(error: str) -> str:
    """One crash: the exception's class and the line, whatever its message says."""
    return f"{exception_name(error)} at {raised_at(error)}"


@rule(
    "XF101", "The native endpoint raised", "an exception left the FastAPI application", ANY,
    general=True,
)  # fmt: skip
def native_raised(view: View) -> Cause | None:
    """Any exception."""
    error = _native_error(view)
    if not error:
        return None
    what = what_was_raised(error)
    return Cause(f"the native endpoint raised: {what}", _TRACEBACK, _where(error), _group(error))


def _where(error: str) -> str:
    place = raised_at(error)
    return f"its traceback ends at {place}" if place else "its traceback"


@rule(
    "XF102", "What the endpoint returns is not JSON",
    "json's own exception left the FastAPI application", ANY,
)  # fmt: skip
def not_json(view: View) -> Cause | None:
    """Decimal, datetime, NaN and the like in Starlette's JSONResponse."""
    error = _native_error(view)
    if not _NOT_JSON.match(what_was_raised(error)):
        return None
    return Cause(
        f"the native endpoint raised: {what_was_raised(error)}",
        view.compat("return FlaskJSONResponse(data)") + f"; {_TRACEBACK}",
        _where(error),
        _group(error),
    )


@rule(
    "XF103", "A SQLite connection of another thread",
    "sqlite3's exception about threads left the FastAPI application", ANY,
)  # fmt: skip
def sqlite_thread(view: View) -> Cause | None:
    """A connection that a hook opened."""
    error = _native_error(view)
    what = what_was_raised(error)
    if _THREAD not in what or not exception_name(error).endswith("ProgrammingError"):
        return None
    return Cause(
        f"the native endpoint raised: {what}",
        "open the connection with check_same_thread=False: hooks run in other threads than the "
        f"native handler, one after the other; {_TRACEBACK}",
        _where(error),
        _group(error),
    )


@rule(
    "XF104", "The answer is not what response_model says",
    "FastAPI's ResponseValidationError left the application", ANY,
)  # fmt: skip
def response_model(view: View) -> Cause | None:
    """A model of the answer that is too narrow."""
    error = _native_error(view)
    if not exception_name(error).endswith("ResponseValidationError"):
        return None
    return Cause(
        "what the native endpoint returns does not fit its response_model or return annotation",
        "correct the field that the traceback names, or take the model away; the traceback is "
        "below",
        _where(error),
        _group(error),
    )


@rule(
    "XF105", "Flask's context is missing",
    "Werkzeug's exception about its context left the FastAPI application", ANY,
)  # fmt: skip
def no_context(view: View) -> Cause | None:
    """flask.request and its kin where Flask does nothing around the handler."""
    error = _native_error(view)
    if not (exception_name(error) == "RuntimeError" and _NO_CONTEXT.search(what_was_raised(error))):
        return None
    fix = "Depends(flask_context) of crossfade.compat on the route"
    if not view.facts.hooks:
        fix = 'keep hooks = "flask" in the map, without which nothing of Flask works in the handler'
    return Cause(
        "the native handler uses something of Flask's outside of Flask's context",
        f"{fix}; {_TRACEBACK}",
        f"{what_was_raised(error)}; {_where(error)}",
        _group(error),
    )


@rule(
    "XF106", "The Flask view returns nothing",
    "Flask's exception about a view without a valid response, and FastAPI answered", Kind.STATUS,
)  # fmt: skip
def returned_nothing(view: View) -> Cause | None:
    """A view that returns None."""
    error = view.legacy.error or ""
    if not crashed(view.legacy) or "did not return a valid response" not in error:
        return None
    if crashed(view.native):
        return None
    return Cause(
        "a Flask view that returns nothing is a 500; FastAPI answers null",
        "let the view return what clients shall get, or raise natively as well",
        what_was_raised(error),
    )


@rule(
    "XF107", "The Flask view raised",
    "an exception left the Flask view and FastAPI answered without one", Kind.STATUS, general=True,
)  # fmt: skip
def flask_raised(view: View) -> Cause | None:
    """A 500 on Flask's side only."""
    error = view.legacy.error or ""
    if not crashed(view.legacy) or crashed(view.native):
        return None
    return Cause(
        f"the Flask view raised: {what_was_raised(error)}",
        "if FastAPI's answer is the better one, approve it for this exception alone by the lines "
        "that the report offers; else raise natively as well",
        _where(error),
        _group(error),
    )


CRASHES = (not_json, sqlite_thread, response_model, no_context, native_raised)
OF_FLASK = (returned_nothing, flask_raised)
