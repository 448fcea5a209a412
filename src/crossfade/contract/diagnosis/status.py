"""Why one side answers another status. Measured with the versions that the project tests."""

from __future__ import annotations

from typing import Final

from crossfade.contract.comparison.login_redirects import sent_to_log_in
from crossfade.contract.diagnosis import sent
from crossfade.contract.diagnosis.consequences import crashed
from crossfade.contract.diagnosis.pages import is_default_page
from crossfade.contract.diagnosis.protocol import location
from crossfade.contract.diagnosis.rule import Cause, Severity, View, rule
from crossfade.messages.compare import Kind
from crossfade.wording import some

_HOLE: Final = "This is a security hole until then"


@rule(
    "XF110", "Only FastAPI has the route",
    "no Flask rule owns the request and a native route answered it", Kind.STATUS,
)  # fmt: skip
def no_such_route(view: View) -> Cause | None:
    """A route that is new."""
    if view.ours != 404 or view.legacy.route is not None or view.native.route is None:
        return None
    return Cause(
        "Flask has no such route",
        "a route that is new has nothing to agree with: test it without `contract`",
        f"no rule of Flask's URL map owns the request, and {view.native.route} is FastAPI's",
    )


# --- who may ------------------------------------------------------------------------------------


def _served_natively(view: View) -> bool:
    return view.theirs < 400 and not sent_to_log_in(view.request, view.native.response)


@rule(
    "XF120", "FastAPI serves whom Flask refuses",
    "Flask answers 401, 403 or a redirect to a login, and FastAPI serves", Kind.STATUS,
    Severity.SECURITY,
)  # fmt: skip
def guard(view: View) -> Cause | None:
    """A refusal that the native route does not make."""
    away = sent_to_log_in(view.request, view.legacy.response)
    if not (view.ours in (401, 403) or away) or not _served_natively(view):
        return None
    facts = view.facts
    reasons, fixes = [], []
    if facts.missing_guards:
        reasons.append(
            f"the view is decorated by {some(facts.missing_guards)}, which has no counterpart seen "
            "in the handler"
        )
        fixes.append(
            "make it a dependency of the native route (LoggedIn or decorated(…) of "
            "crossfade.compat)"
        )
    if facts.known and not facts.hooks and facts.around:
        reasons.append(f'hooks = "none" skips {some(facts.around)}')
        fixes.append('keep hooks = "flask" in the map')
    if not reasons and facts.known and facts.hooks:
        reasons.append("the view or what decorates it checks who asks, and the handler does not")
    elif not reasons:
        reasons.append("the view, a decorator or a hook checks who asks, and the handler does not")
        fixes.append('keep hooks = "flask" in the map')
    if not facts.missing_guards:
        fixes.append(
            "make what decorates the view a dependency (decorated(…) of crossfade.compat), and "
            "repeat the view's own checks in the handler"
        )
    shown = f"a redirect to {location(view.legacy)}" if away else str(view.ours)
    return Cause(
        f"Flask refused this request and FastAPI served it: {'; '.join(reasons)}",
        f"{'; '.join(fixes)}. {_HOLE}",
        f"Flask answers {shown}, FastAPI {view.theirs}",
    )


@rule(
    "XF121", "Only Flask limits the rate", "Flask answers 429 and FastAPI serves", Kind.STATUS,
)  # fmt: skip
def limit(view: View) -> Cause | None:
    """A rate limit."""
    if view.ours != 429 or view.theirs >= 400:
        return None
    return Cause(
        "Flask limits the rate of requests (429) and FastAPI does not",
        'keep hooks = "flask" in the map, and put a limit that decorates the view on the native '
        "route as well (decorated(…) of crossfade.compat)",
        f"Flask answers 429, FastAPI {view.theirs}",
    )


@rule(
    "XF122", "CSRF protection",
    "Flask answers 400 with a text that speaks of CSRF, and FastAPI serves", Kind.STATUS,
    Severity.SECURITY,
)  # fmt: skip
def csrf(view: View) -> Cause | None:
    """A 400 that protects a form."""
    if view.ours != 400 or b"CSRF" not in view.legacy.response.body.upper():
        return None
    if view.theirs >= 400:
        return None
    return Cause(
        "Flask refused this request and FastAPI served it: CSRF protection has no native "
        "counterpart",
        f'keep hooks = "flask" in the map. {_HOLE}',
        "Flask's 400 speaks of CSRF",
    )


@rule(
    "XF123", "A native guard is stricter",
    "FastAPI answers 401 or 403 by an exception that came from a library's or a dependency's code, "
    "and Flask serves", Kind.STATUS,
)  # fmt: skip
def stricter_guard(view: View) -> Cause | None:
    """A security scheme that refuses whom the view lets pass."""
    raised = view.native.raised
    if view.ours >= 400 or view.theirs not in (401, 403) or raised is None or raised.place:
        return None
    if not view.facts.guards:
        return None
    return Cause(
        f"FastAPI refuses whom Flask serves: the native route's {some(view.facts.guards)} is "
        "stricter than the view",
        "decorated(…) of crossfade.compat with the view's own decorator; or let the dependency "
        "pass whom the view lets pass",
        f"{raised.name} was raised before the endpoint ran; the route depends on "
        f"{some(view.facts.guards)}",
    )


# --- success ------------------------------------------------------------------------------------


@rule(
    "XF130", "FastAPI's own 200",
    "both succeed, FastAPI by 200 and Flask by another status", Kind.STATUS,
)  # fmt: skip
def success_code(view: View) -> Cause | None:
    """A status that nobody named, or that a returned Response lacks."""
    if not (200 < view.ours < 300 and view.theirs == 200):
        return None
    declared = view.facts.status
    if declared is not None and declared != 200:
        return Cause(
            f"the route declares {declared}, but a Response that the endpoint returns has its own "
            "status",
            f"give the returned Response its status: status_code={view.ours}",
            f"the decorator has status_code={declared}, and FastAPI answers 200",
        )
    return Cause(
        "a FastAPI endpoint answers 200 unless told; the decorator's status_code is not that of a "
        "Response which the endpoint returns",
        f"name the status in the decorator: status_code={view.ours}; a returned Response needs it "
        "itself",
        f"Flask answers {view.ours}, FastAPI 200",
    )


@rule(
    "XF131", "Another success", "both succeed, by other statuses", Kind.STATUS, general=True
)  # fmt: skip
def another_success(view: View) -> Cause | None:
    """Two statuses that both name one."""
    if min(view.ours, view.theirs) < 200 or max(view.ours, view.theirs) >= 300:
        return None
    return Cause(
        f"both succeed, Flask by {view.ours} and FastAPI by {view.theirs}",
        f"status_code={view.ours}, in the decorator or in the Response that the endpoint returns",
        f"Flask answers {view.ours}, FastAPI {view.theirs}",
    )


@rule(
    "XF132", "An endpoint that returns None",
    "Flask answers 404 or 410, and FastAPI the JSON null", Kind.STATUS,
)  # fmt: skip
def null_for_nothing(view: View) -> Cause | None:
    """What Flask does not find."""
    if view.ours not in (404, 410) or view.theirs != 200:
        return None
    if view.native.response.body.strip() != b"null":
        return None
    return Cause(
        "Flask finds nothing there; an endpoint that returns None answers null",
        f"raise HTTPException({view.ours}) where there is nothing",
        f"Flask answers {view.ours}, and FastAPI's body is null",
    )


@rule(
    "XF133", "FastAPI finds what Flask does not",
    "Flask answers 404 or 410 for a route that it has, and FastAPI serves something", Kind.STATUS,
)  # fmt: skip
def found_more(view: View) -> Cause | None:
    """A condition that is missing."""
    served = view.theirs < 300 and view.native.response.body.strip() not in (b"", b"null")
    if view.ours not in (404, 410) or view.legacy.route is None or not served:
        return None
    return Cause(
        "Flask finds nothing there and FastAPI serves something: a condition by which the view "
        "looks is missing in the handler, such as whose it is",
        f"look with the view's conditions, and raise HTTPException({view.ours}) where there is "
        "nothing",
        f"Flask answers {view.ours}, and FastAPI {len(view.native.response.body)} bytes",
    )


@rule(
    "XF134", "Both refuse, differently", "both answer 4xx or 5xx, and neither crashed", Kind.STATUS,
    general=True,
)  # fmt: skip
def http_error(view: View) -> Cause | None:
    """Two errors with other numbers."""
    if min(view.ours, view.theirs) < 400 or crashed(view.legacy) or crashed(view.native):
        return None
    shown = "an error handler of the FastAPI app renders it, too"
    if view.facts.hooks:
        shown = "Flask's own error handlers render it"
    raised = view.native.raised
    where = (
        f"; natively {raised.name} was raised at {raised.place}" if raised and raised.place else ""
    )
    return Cause(
        f"both refuse, Flask by {view.ours} and FastAPI by {view.theirs}",
        f"raise HTTPException({view.ours}) natively; {shown}",
        f"Flask answers {view.ours}, FastAPI {view.theirs}{where}",
    )


# --- what is refused ----------------------------------------------------------------------------


@rule(
    "XF140", "The handler refuses what Flask takes",
    "Flask serves; FastAPI refuses by an exception that the project's own code raised", Kind.STATUS,
)  # fmt: skip
def handler_refuses(view: View) -> Cause | None:
    """An HTTPException of the handler's, or of its own dependency's."""
    raised = view.native.raised
    if view.ours >= 400 or view.theirs < 400 or raised is None or crashed(view.native):
        return None
    if not raised.place or raised.refused or raised.status != view.theirs:
        return None
    return Cause(
        f"the native code itself refuses with {view.theirs} what Flask serves: {raised.name} at "
        f"{raised.place}",
        "refuse there only what the view refuses",
        f"{raised.name}({raised.text!r}) was raised at {raised.place}",
    )


@rule(
    "XF141", "Flask refuses a JSON body that FastAPI does not look at",
    "the view reads JSON, the body is malformed or not declared as JSON, Flask answers 400 or 415 "
    "by its own page or by 415, and FastAPI serves", Kind.STATUS,
)  # fmt: skip
def unread_json(view: View) -> Cause | None:
    """A body that only Flask looks at."""
    request = view.request
    if view.ours not in (400, 415) or view.theirs >= 300:
        return None
    malformed = not sent.is_json(request.body)
    undeclared = not sent.is_json_type(sent.media_type(request))
    reads = view.facts.reads_json or (not view.facts.known and is_default_page(view.legacy))
    if not reads or not (malformed or undeclared):
        return None
    if sent.media_type(request) in (sent.FORM, sent.MULTIPART) and not view.facts.reads_json:
        return None
    what = "is not declared as application/json" if undeclared else "is not JSON"
    return Cause(
        "Flask refuses a JSON body that is malformed (400) or is not declared as application/json "
        "(415), and the handler takes it",
        view.compat("json_model(Model) or json()") + "; or check both before the body is used",
        f"the body {what}, and Flask answers {view.ours}",
        "unread JSON",
    )


@rule(
    "XF142", "Flask refuses a value that FastAPI takes",
    "the body is well-formed, Flask answers 400 or 422 and FastAPI serves, and the request that "
    "this one varies is answered alike", Kind.STATUS,
)  # fmt: skip
def unchecked_value(view: View) -> Cause | None:
    """A check of the view's, or a conversion by pydantic."""
    request, kind = view.request, sent.media_type(view.request)
    if view.ours not in (400, 422) or view.theirs >= 300 or view.base_agrees is not True:
        return None
    assert view.base is not None  # else nothing would be known of its agreeing
    if request.body == view.base.native.request.body or not request.body:
        return None
    as_json = sent.is_json_type(kind) and sent.is_json(request.body)
    if not as_json and kind not in (sent.FORM, sent.MULTIPART):
        return None
    return Cause(
        "Flask refuses a value that FastAPI takes, as it came or converted to the declared type "
        '("1" and true into 1)',
        "check it in the handler as the view does; "
        + view.compat("json_model(Model)")
        + " converts nothing",
        f"another body than the good request's: Flask answers {view.ours}, FastAPI {view.theirs}",
        "unchecked value",
    )


STATUS = (
    no_such_route,
    guard,
    limit,
    csrf,
    stricter_guard,
    success_code,
    another_success,
    null_for_nothing,
    found_more,
    handler_refuses,
    unread_json,
    unchecked_value,
    http_error,
)
