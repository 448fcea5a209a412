"""Why one side answers another status. Measured with the versions that the project tests."""

from __future__ import annotations

import json
from typing import Any, Final

from crossfade.compare import Difference
from crossfade.contract.advice import (
    FORM,
    MULTIPART,
    Advice,
    crashed,
    media_type,
    what_was_raised,
)
from crossfade.exchange import Exchange, Request

_REDIRECTS: Final = frozenset({"301", "302", "303", "307", "308"})
_FLASKS_OWN: Final = (
    "with hooks = \"flask\", the map's default, Flask's own error handlers write it"
)


def validation(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """FastAPI's 422, by the place of the input that it refused."""
    if native.response.status != 422 or legacy.response.status == 422:
        return None
    cause = (
        "FastAPI answers input that its parameters or models refuse with 422, before the endpoint "
        "runs"
    )
    place, name = _refused(native)
    kind = media_type(native.request)
    read = {
        "query": f'Annotated[str, arg("{name}", …)] answers as request.args does',
        "header": f'Annotated[str, header("{name}")] answers as request.headers does',
        "cookie": f'Annotated[str, cookie("{name}")] answers as request.cookies does',
    }.get(place)
    if place == "body" and kind == MULTIPART and b"filename" in native.request.body:
        cause += "; Starlette takes a part without a plain filename for text, Flask for a file"
        read = f'Annotated[FileStorage, file("{name}")] answers as request.files does'
    elif place == "body" and kind in (FORM, MULTIPART):
        cause += "; an empty field counts as missing to FastAPI"
        read = f'Annotated[str, form("{name}")] answers as request.form does'
    elif place == "body":
        cause += "; Flask answers 400 for what is no JSON and 415 for another content type"
        read = "Annotated[Model, json_model(Model)] answers as request.get_json() does"
    handler = "give the RequestValidationError a handler that answers as Flask does"
    return Advice(cause, f"{read} (crossfade.compat); or {handler}" if read else handler)


def _refused(native: Exchange) -> tuple[str, str]:
    """Where the first refused input stood (`query`, `body`, …), and its name."""
    try:
        detail: Any = json.loads(native.response.body)["detail"]
        location = [str(part) for part in detail[0]["loc"]]
    except (ValueError, KeyError, TypeError, IndexError):
        return "body", ""
    return location[0], location[1] if len(location) > 1 else ""


def redirect(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Starlette's 307, and other redirects."""
    if difference.legacy in _REDIRECTS and difference.native == "307":
        return Advice(
            "RedirectResponse answers 307 unless told, and a client repeats its method and body",
            f"RedirectResponse(url, status_code={difference.legacy})",
        )
    if {difference.legacy, difference.native} <= _REDIRECTS:
        return Advice(
            "both redirect, by other statuses",
            f"RedirectResponse(url, status_code={difference.legacy})",
        )
    return None


def missing_method(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A method that Flask adds by itself."""
    method = native.request.method
    if difference.native == "405" and method in ("HEAD", "OPTIONS"):
        return Advice(
            f"a FastAPI route answers the methods that it names; Flask adds {method}",
            f"add {method!r} to the route's methods",
        )
    return None


def ranges(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Range and conditional requests."""
    request = native.request
    fix = "FlaskResponse(flask.send_file(…)) (crossfade.compat) answers as Flask does"
    if request.values("range") and {difference.legacy, difference.native} & {"206", "416", "400"}:
        return Advice(
            "of a Range Flask serves one that it understands and answers 416 for any other; "
            "Starlette's FileResponse serves several and answers 400 for one that is broken, and "
            "other responses serve none",
            fix,
        )
    if difference.legacy in ("304", "412"):
        conditions = [name for name, _ in request.headers if name.startswith("if-")]
        name = conditions[0].title() if conditions else "If-None-Match"
        return Advice(f"Flask's response is conditional ({name}), Starlette's is not", fix)
    return None


def guard(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A refusal that the native route does not make."""
    if legacy.response.status not in (401, 403, 302, 429) or native.response.status >= 300:
        return None
    if legacy.response.status == 429:
        return Advice(
            "Flask limits the rate of requests (429) and FastAPI does not",
            'keep hooks = "flask" in the map, or limit the native route as well',
        )
    return Advice(
        "Flask refused this request and FastAPI served it: a `before_request` hook, CSRF "
        "protection, a decorator such as `login_required`, a rate limit, or a check in the view "
        "itself has no native counterpart",
        'keep hooks = "flask" in the map, and make what decorates the view a dependency of the '
        "native route (LoggedIn of crossfade.compat); repeat the view's own checks in the "
        "handler. This is a security hole until then",
    )


def csrf(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A 400 that protects a form."""
    if legacy.response.status == 400 and b"CSRF" in legacy.response.body.upper():
        return Advice(
            "Flask refused this request and FastAPI served it: CSRF protection is a hook of "
            "Flask's and has no native counterpart",
            'keep hooks = "flask" in the map. This is a security hole until then',
        )
    return None


def no_such_route(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A route that only FastAPI has."""
    if legacy.response.status == 404 and legacy.route is None and native.route is not None:
        return Advice(
            "Flask has no such route",
            "a route that is new has nothing to agree with: test it without `contract`",
        )
    return None


def success_code(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """FastAPI's 200."""
    ours, theirs = legacy.response.status, native.response.status
    if 200 < ours < 300 and theirs == 200:
        return Advice(
            "a FastAPI endpoint answers 200 unless told; the decorator's status_code is not that "
            "of a Response which the endpoint returns",
            f"name the status in the decorator: status_code={ours}; a returned Response needs it "
            "itself",
        )
    if min(ours, theirs) >= 200 and max(ours, theirs) < 300:
        return Advice(
            f"both succeed, Flask by {ours} and FastAPI by {theirs}",
            f"status_code={ours}, in the decorator or in the Response that the endpoint returns",
        )
    return None


def refused_input(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """What FastAPI refuses and Flask takes, once Flask's machinery has worded the refusal."""
    ours, theirs = legacy.response.status, native.response.status
    if ours < 400 and theirs in (401, 403):
        return Advice(
            "FastAPI refuses whom Flask serves: a guard of the native route, such as a security "
            "scheme or a dependency, is stricter than the view's",
            "decorated(…) of crossfade.compat with the view's own decorator; or let the dependency "
            "pass whom the view lets pass",
        )
    if ours < 400 and theirs in (400, 404, 415, 422):
        return Advice(
            "FastAPI refuses what Flask takes: a parameter or model of the endpoint allows less "
            f"(a validation error becomes the legacy 400 or 404), or the handler answers {theirs}",
            "arg, form, json and header of crossfade.compat read as Flask does; or allow in the "
            "endpoint what the view allows",
        )
    return None


def nothing_there(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """What Flask does not find."""
    ours, theirs = legacy.response.status, native.response.status
    if ours in (404, 410) and theirs < 400:
        return Advice(
            "Flask finds nothing there, and FastAPI answers as if it had: a condition of the "
            "view's query is missing (whose it is, perhaps), or an endpoint that returns None "
            "answers null",
            f"raise HTTPException({ours}) where there is nothing",
        )
    return None


def returned_nothing(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A view that returns None."""
    if legacy.response.status == 500 and "did not return a valid response" in (legacy.error or ""):
        return Advice(
            "a Flask view that returns nothing is a 500; FastAPI answers null",
            "let the view return what clients shall get, or raise natively as well",
        )
    return None


def limits(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """What the two form parsers refuse."""
    kind, body = media_type(native.request), native.response.body
    fix = 'Annotated[str, form("…")] and file("…") of crossfade.compat read as Flask does'
    if kind not in (FORM, MULTIPART):
        return None
    if legacy.response.status == 413:
        return Advice(
            "Flask refuses form fields over 500 kB in total (MAX_FORM_MEMORY_SIZE) with 413; "
            "Starlette takes 1 MB each and answers 400",
            fix,
        )
    if native.response.status == 400 and b"Too many" in body:
        return Advice("Starlette refuses a form of over 1000 fields with 400", fix)
    if native.response.status == 400 and kind == MULTIPART:
        return Advice(
            "Starlette's multipart parser refuses what Werkzeug's reads: text before the first "
            "boundary, a header in another form",
            fix,
        )
    return None


def unread_body(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A body that only Flask looks at."""
    if legacy.response.status not in (400, 415, 422) or native.response.status >= 300:
        return None
    if _is_json(native.request) or media_type(native.request) in (FORM, MULTIPART):
        return Advice(
            "Flask refuses a value that FastAPI takes, as it came or converted to the declared "
            'type ("1" and true into 1)',
            "check it in the handler as the view does; json_model(Model) of crossfade.compat "
            "converts nothing",
        )
    if native.request.method in ("POST", "PUT", "PATCH", "DELETE"):
        return Advice(
            "Flask refuses a JSON body that is malformed (400) or is not declared as "
            "application/json (415)",
            "json_model(Model) or json() of crossfade.compat; or check both before the body is "
            "used",
        )
    return None


def _is_json(request: Request) -> bool:
    kind = media_type(request)
    try:
        json.loads(request.body)
    except (ValueError, RecursionError):
        return False
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def server_error(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A 500 on Flask's side only."""
    if legacy.error is not None and crashed(legacy):
        return Advice(
            "the Flask view raised: " + what_was_raised(legacy.error),
            "raise natively as well, or approve it as a deviation in the map",
        )
    return None


def http_error(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Two errors with other numbers."""
    ours, theirs = legacy.response.status, native.response.status
    if min(ours, theirs) >= 400:
        fix = f"raise HTTPException({ours}) natively; {_FLASKS_OWN}"
        if theirs in (400, 404, 422):
            fix += (
                ". What a parameter or model refuses, validation_error(…) of crossfade.compat says "
                "in the view's words"
            )
        return Advice(f"both refuse, Flask by {ours} and FastAPI by {theirs}", fix)
    return None


STATUS = (
    no_such_route,
    validation,
    redirect,
    missing_method,
    ranges,
    csrf,
    guard,
    limits,
    nothing_there,
    unread_body,
    refused_input,
    success_code,
    returned_nothing,
    server_error,
    http_error,
)
