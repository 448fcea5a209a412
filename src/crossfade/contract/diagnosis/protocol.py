"""Why statuses differ by HTTP's own rules: redirects, methods, ranges, conditions."""

from __future__ import annotations

from typing import Final

from crossfade.contract.diagnosis.rule import Cause, View, rule
from crossfade.messages.compare import Kind
from crossfade.messages.exchange import Exchange

_REDIRECTS: Final = frozenset({"301", "302", "303", "307", "308"})


@rule(
    "XF111", "RedirectResponse's own 307",
    "both redirect to the same URL, Flask by another status and FastAPI by 307", Kind.STATUS,
)  # fmt: skip
def redirect_307(view: View) -> Cause | None:
    """Starlette's default."""
    if view.theirs != 307 or view.difference.legacy not in _REDIRECTS or not _same_target(view):
        return None
    return Cause(
        "RedirectResponse answers 307 unless told, and a client repeats its method and body",
        f"RedirectResponse(url, status_code={view.ours})",
        f"both redirect to {location(view.native)}, FastAPI by 307",
    )


@rule(
    "XF112", "Another redirect", "both redirect to the same URL, by other statuses", Kind.STATUS,
    general=True,
)  # fmt: skip
def redirect(view: View) -> Cause | None:
    """A redirect that names its status."""
    both = {view.difference.legacy, view.difference.native} <= _REDIRECTS
    if not both or not _same_target(view):
        return None
    return Cause(
        f"both redirect, Flask by {view.ours} and FastAPI by {view.theirs}",
        f"RedirectResponse(url, status_code={view.ours})",
        f"both redirect to {location(view.native)}",
    )


def location(exchange: Exchange) -> str:
    """The URL that an answer leads to; "" for none."""
    return next(iter(exchange.response.values("location")), "")


def _same_target(view: View) -> bool:
    return bool(location(view.legacy)) and location(view.legacy) == location(view.native)


@rule(
    "XF113", "A method that Flask adds by itself",
    "FastAPI answers HEAD or OPTIONS with 405 and an Allow that lacks it", Kind.STATUS,
)  # fmt: skip
def missing_method(view: View) -> Cause | None:
    """HEAD and OPTIONS."""
    method = view.request.method
    allowed = ", ".join(view.native.response.values("allow"))
    if view.theirs != 405 or method not in ("HEAD", "OPTIONS"):
        return None
    if not allowed or method in allowed.replace(" ", "").split(","):
        return None
    return Cause(
        f"a FastAPI route answers the methods that it names; Flask adds {method}",
        f"add {method!r} to the route's methods",
        f"FastAPI's Allow is {allowed}",
    )


@rule(
    "XF114", "Ranges",
    "the request has a Range, one side answers by it (206, 416, or 400 for a broken one) and the "
    "request without it is answered alike, or is not known", Kind.STATUS,
)  # fmt: skip
def ranges(view: View) -> Cause | None:
    """Flask's send_file against Starlette's FileResponse."""
    asked = view.request.values("range")
    if not asked or not {view.ours, view.theirs} & {206, 416} or view.base_agrees is False:
        return None
    if not ({view.ours, view.theirs} <= {200, 206, 400, 416}):
        return None
    fix = view.compat("FlaskResponse(flask.send_file(…))") + " answers as Flask does"
    if view.ours == 200 and not view.legacy.response.values("accept-ranges"):
        fix = "Flask serves no ranges here: return a Response with the content"
    return Cause(
        "of a Range Flask serves one that it understands and answers 416 for any other; "
        "Starlette's FileResponse serves several and answers 400 for one that is broken, and other "
        "responses serve none",
        fix,
        f"the request has Range: {asked[0]}; Flask answers {view.ours}, FastAPI {view.theirs}",
        "ranges",
    )


@rule(
    "XF115", "Conditional requests",
    "the request has a condition and only Flask answers by it (304, 412)", Kind.STATUS,
)  # fmt: skip
def conditions(view: View) -> Cause | None:
    """304 and 412."""
    names = [name for name, _ in view.request.headers if name.startswith("if-")]
    if view.ours not in (304, 412) or view.theirs >= 300 or not names:
        return None
    return Cause(
        f"Flask's response is conditional ({names[0].title()}), FastAPI's is not",
        view.compat("FlaskResponse(flask.send_file(…))")
        + " for a file; else response.make_conditional(flask.request) on a Flask response in "
        "FlaskResponse(response)",
        f"the request has {names[0].title()}, and Flask answers {view.ours}",
        "conditions",
    )


PROTOCOL = (redirect_307, redirect, missing_method, ranges, conditions)
