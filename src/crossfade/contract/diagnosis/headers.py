"""Why headers differ."""

from __future__ import annotations

from typing import Final

from crossfade.contract.diagnosis.pages import is_default_page, is_fastapi_error, json_of
from crossfade.contract.diagnosis.rule import BODY, Cause, Severity, View, header_name, rule
from crossfade.messages.compare import Kind
from crossfade.wording import some

_HEADER_AND_BODY: Final = BODY | {Kind.HEADER}


# --- types --------------------------------------------------------------------------------------


@rule(
    "XF201", "Werkzeug's own page natively",
    "FastAPI's error is the page that Werkzeug writes, and Flask's is not", _HEADER_AND_BODY,
    across=True,
)  # fmt: skip
def default_page(view: View) -> Cause | None:
    """An error that the view words itself."""
    if view.difference.kind is Kind.HEADER and header_name(view) != "content-type":
        return None
    words_it = view.ours >= 400 and not is_default_page(view.legacy)
    if not words_it or not is_default_page(view.native):
        return None
    raised = view.native.raised
    if raised is not None and raised.refused:
        why = "a parameter or model refused the input"
        fix = "validation_error(…) of crossfade.compat on the endpoint says what the view says"
    elif raised is not None:
        why = f"natively {raised.name} was raised" + (f" at {raised.place}" if raised.place else "")
        fix = (
            "raise natively what the view raises, so that Flask's error handler renders it, or "
            "return the view's answer"
        )
    else:
        why = "natively an HTTPException was raised, or a parameter or model refused the input"
        fix = (
            "raise natively what the view raises, or return the view's answer; what a parameter or "
            "model refuses, validation_error(…) of crossfade.compat says in the view's words"
        )
    return Cause(
        f"{why}, and Werkzeug writes its own page for that; the Flask view returns its error, or "
        "raises what an error handler renders",
        fix,
        "FastAPI's body begins as Werkzeug's page, Flask's does not",
        "default page",
    )


@rule(
    "XF202", "An answer without a type", "Flask names a Content-Type and FastAPI none", Kind.HEADER,
    Severity.FORM,
)  # fmt: skip
def no_type(view: View) -> Cause | None:
    """A Response of Starlette's without a body."""
    if header_name(view) != "content-type" or view.difference.native is not None:
        return None
    return Cause(
        "Flask names the type of every answer, of one without a body too; a Response of "
        "Starlette's names none unless told",
        f'return FlaskResponse(("", {view.ours})) of crossfade.compat, or give the response '
        f"headers={{'content-type': {view.difference.legacy!r}}}",
        "FastAPI's answer has no Content-Type",
    )


@rule(
    "XF203", "HTTPException as JSON",
    'FastAPI\'s error is {"detail": …} and nothing else, and Flask\'s is not', _HEADER_AND_BODY,
    across=True,
)  # fmt: skip
def detail(view: View) -> Cause | None:
    """FastAPI's form of an error."""
    where = view.difference.where
    if not (header_name(view) == "content-type" or where in ("body", "body.detail")):
        return None
    if not is_fastapi_error(view.native) or view.ours < 400:
        return None
    raised = view.native.raised
    if raised is not None and raised.refused:
        return None  # validation's own rule says more
    theirs = json_of(view.legacy)
    if isinstance(theirs, dict) and "detail" in theirs:
        return None
    return Cause(
        'FastAPI writes an HTTPException as {"detail": …}, Werkzeug\'s abort writes a page of HTML '
        "or what Flask's error handlers make of it",
        'keep hooks = "flask" in the map: Flask\'s own error handlers render it then; or render '
        "it in an exception handler of the FastAPI app",
        'FastAPI\'s body is {"detail": …}',
        "detail",
    )


@rule(
    "XF204", "A text that became a JSON string",
    "both succeed alike, Flask's answer is a text and FastAPI's the same text as a JSON string",
    _HEADER_AND_BODY,
)  # fmt: skip
def json_string(view: View) -> Cause | None:
    """A `str` or bytes that a handler returns."""
    if view.difference.kind is Kind.HEADER and header_name(view) != "content-type":
        return None
    if view.ours != view.theirs or view.ours >= 400:
        return None
    text = json_of(view.native)
    ours = view.legacy.response
    if not isinstance(text, str) or ours.media_type.endswith("json"):
        return None
    if text.encode() != ours.body:
        return None
    return Cause(
        "a `str` or bytes that a Flask view returns is HTML; FastAPI makes it a JSON string",
        "return HTMLResponse(...), or name it: response_class=HTMLResponse",
        "FastAPI's body is Flask's as a JSON string",
        "json string",
    )


@rule(
    "XF205", "Other parameters of a type", "the same media type with other parameters", Kind.HEADER,
    Severity.FORM,
)  # fmt: skip
def type_parameters(view: View) -> Cause | None:
    """A charset, say."""
    ours, theirs = view.legacy.response, view.native.response
    if header_name(view) != "content-type" or view.difference.native is None:
        return None
    if ours.media_type != theirs.media_type:
        return None
    return Cause(
        "the same media type with other parameters",
        f"give the response headers={{'content-type': {view.difference.legacy!r}}}",
        f"both are {ours.media_type}",
    )


# --- framing and compression --------------------------------------------------------------------


@rule(
    "XF210", "Streamed or whole",
    "one side gives a length and the other none, for an answer that has a body", Kind.HEADER,
)  # fmt: skip
def framing(view: View) -> Cause | None:
    """A Content-Length on one side."""
    if header_name(view) != "content-length" or _codings(view)[0] != _codings(view)[1]:
        return None
    if not (view.legacy.response.body and view.native.response.body):
        return None
    if None not in (view.difference.legacy, view.difference.native):
        return None
    if view.difference.legacy is None:
        return Cause(
            "Flask streams this answer, FastAPI sends it whole",
            "return a StreamingResponse",
            "Flask's answer has no Content-Length, FastAPI's has",
        )
    return Cause(
        "FastAPI streams this answer, Flask sends it whole",
        "return a Response with the whole body",
        "FastAPI's answer has no Content-Length, Flask's has",
    )


@rule(
    "XF211", "The lengths of bodies that are not sent",
    "the request is a HEAD, and both sides give a length", Kind.HEADER, Severity.FORM,
)  # fmt: skip
def head_length(view: View) -> Cause | None:
    """HEAD."""
    both = view.difference.legacy is not None and view.difference.native is not None
    if header_name(view) != "content-length" or view.request.method != "HEAD" or not both:
        return None
    return Cause(
        "the lengths of two bodies that are not sent",
        "compare the GET as well: it shows in what the bodies differ",
        "the request is a HEAD",
    )


def _codings(view: View) -> tuple[str, str]:
    return (
        ",".join(view.legacy.response.values("content-encoding")),
        ",".join(view.native.response.values("content-encoding")),
    )


_ONE_PLACE: Final = (
    "let one place compress for both sides: the proxy in front, or Flask's after_request hooks "
    '(keep hooks = "flask" in the map) without GZipMiddleware'
)


@rule(
    "XF212", "Compression on one side, or by two compressors",
    "the answers have other Content-Encodings, or only one varies by Accept-Encoding", Kind.HEADER,
    Severity.FORM,
)  # fmt: skip
def compression(view: View) -> Cause | None:
    """Flask-Compress and Starlette's GZipMiddleware."""
    name, (ours, theirs) = header_name(view), _codings(view)
    about = f"{view.difference.legacy} {view.difference.native}".lower()
    if not (
        name == "content-encoding"
        or (ours != theirs and name in ("content-length", "etag"))
        or (name == "vary" and "accept-encoding" in about)
    ):
        return None
    gzip = "GZipMiddleware" in view.facts.middleware
    native = "GZipMiddleware" if gzip else "something"
    if ours and theirs and ours != theirs:
        return Cause(
            f"both sides compress, Flask as {ours} and FastAPI as {theirs}"
            + (": Starlette's GZipMiddleware knows gzip alone" if gzip else ""),
            f'{_ONE_PLACE}; or set COMPRESS_ALGORITHM = ["{theirs}"] of Flask-Compress',
            f"Content-Encoding {ours} and {theirs}",
            "compression",
        )
    if ours == theirs:
        return Cause(
            "one side says that its answer depends on Accept-Encoding"
            + (": GZipMiddleware adds that to every answer" if gzip else ""),
            _ONE_PLACE,
            f"Vary is {view.difference.legacy} and {view.difference.native}",
            "compression",
        )
    if ours:
        return Cause(
            "Flask's answer is compressed, FastAPI's is not"
            + (": GZipMiddleware leaves short bodies (minimum_size)" if gzip else ""),
            _ONE_PLACE,
            f"Content-Encoding {ours} on Flask's side only",
            "compression",
        )
    return Cause(
        f"FastAPI's answer is compressed by {native}, Flask's is not",
        _ONE_PLACE,
        f"Content-Encoding {theirs} on FastAPI's side only",
        "compression",
    )


# --- CORS, Vary ---------------------------------------------------------------------------------


@rule(
    "XF220", "CORS by other middleware",
    "a header of CORS, or Vary: Origin, is on one side only or differs", Kind.HEADER,
)  # fmt: skip
def cors(view: View) -> Cause | None:
    """Flask-CORS and CORSMiddleware."""
    ours, theirs = view.difference.legacy, view.difference.native
    origins = ["origin" in (each or "").lower() for each in (ours, theirs)]
    by_vary = header_name(view) == "vary" and origins[0] is not origins[1]
    if not header_name(view).startswith("access-control-") and not by_vary:
        return None
    middleware = "CORSMiddleware" in view.facts.middleware
    if middleware and not by_vary and theirs is not None and ours is not None:
        cause = "CORS headers are added on both sides, by middleware with other options"
    elif theirs is not None and ours is None:
        cause = "CORS headers are added by FastAPI's side only"
    elif theirs is None:
        cause = "CORS headers are added by Flask's side only"
    else:
        cause = "CORS headers are added on both sides, with other options"
    fix = 'let Flask add them for both: keep hooks = "flask" in the map'
    if middleware or not view.facts.known:
        fix += " and remove CORSMiddleware, or give it the options that Flask-CORS has"
    shown = "CORSMiddleware is in front of FastAPI's routes" if middleware else f"{ours}, {theirs}"
    return Cause(cause, fix, shown, f"{cause}")


@rule(
    "XF221", "Vary: Cookie",
    "only Flask's Vary has Cookie, and the view or a hook uses the session, as far as is known",
    Kind.HEADER,
)  # fmt: skip
def vary_cookie(view: View) -> Cause | None:
    """Flask's session."""
    ours, theirs = (
        (each or "").lower() for each in (view.difference.legacy, view.difference.native)
    )
    if header_name(view) != "vary" or "cookie" not in ours or "cookie" in theirs:
        return None
    uses = {"session", "current_user", "login_required", "flash"} & view.facts.view_uses
    if view.facts.known and not uses and not view.facts.around:
        return None
    return Cause(
        "Flask adds `Vary: Cookie` when a view or a hook touches the session",
        "read the session by the dependency Session of crossfade.compat, or add it natively: "
        'response.headers["Vary"] = "Cookie"',
        "Flask's Vary has Cookie"
        + (f"; the view uses {some(sorted(uses))}" if uses else "")
        + (f"; around it run {some(view.facts.around)}" if view.facts.around and not uses else ""),
    )


# --- others -------------------------------------------------------------------------------------


@rule(
    "XF240", "A header that only Flask sets", "FastAPI's answer lacks the header", Kind.HEADER,
    general=True,
)  # fmt: skip
def missing(view: View) -> Cause | None:
    """Of the view, or of a hook that does not run natively."""
    if view.difference.native is not None or header_name(view) in (
        "content-type",
        "content-length",
    ):
        return None
    facts = view.facts
    if facts.known and facts.hooks:
        return Cause(
            "set by the Flask view or by what decorates it; Flask's hooks run natively, too",
            "set it natively as well, on the Response that the handler returns if it returns one",
            "FastAPI's answer lacks it, and Flask's hooks ran around the handler",
        )
    hooks = f"by {some(facts.around)}" if facts.around else "by an `after_request` hook"
    return Cause(
        f"set by the Flask view, {hooks} or by an extension",
        "set it natively as well, on the Response that the handler returns if it returns one; or "
        'keep hooks = "flask" in the map where a hook sets it',
        "FastAPI's answer lacks it",
    )


HEADER = (
    default_page,
    no_type,
    detail,
    json_string,
    type_parameters,
    framing,
    head_length,
    compression,
    cors,
    vary_cookie,
    missing,
)
