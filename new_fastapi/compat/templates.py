"""Flask's own templates, rendered to the same bytes: one page has one template on both sides.

The environment is FastAPI's own. What the templates use of Flask is found here under the same
names: `url_for`, `get_flashed_messages`, `csrf_token`. Where the route borrows Flask, its session
is Flask's; where it doesn't, the middleware `FlaskCookieSession` has opened it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from fastapi import Request
from fastapi.templating import Jinja2Templates
from jinja2.runtime import Context

import legacy_flask
from new_fastapi import csrf
from new_fastapi.sessions import browser_session

TEMPLATES = Path(legacy_flask.__file__).parent / "templates"


def path_for(request: Request, endpoint: str, **values: Any) -> str:
    """Return the path of an endpoint, as Flask's `url_for` does; Starlette's would name the host.

    Native routes are found by their names, which are those of Flask's endpoints; behind the gateway
    the rest is found in Flask.
    """
    root_path: str = request.scope.get("root_path", "")
    if endpoint == "static":  # Flask serves these files, and their URLs need no Flask
        return f"{root_path}/static/{quote(values['filename'])}"
    return f"{root_path}{request.app.url_path_for(endpoint, **values)}"


@jinja2.pass_context
def url_for(context: Context, endpoint: str, /, **values: Any) -> str:
    """Return the path of an endpoint."""
    return path_for(context["request"], endpoint, **values)


@jinja2.pass_context
def get_flashed_messages(context: Context, with_categories: bool = False) -> list[Any]:
    """Return what was flashed since the last page, and forget it: `flask.get_flashed_messages`."""
    request: Request = context["request"]
    if "flashes" not in request.scope:  # a template may ask twice
        session = browser_session(request)
        request.scope["flashes"] = session.pop("_flashes") if "_flashes" in session else []
    flashes: list[tuple[str, str]] = request.scope["flashes"]
    return list(flashes) if with_categories else [message for _, message in flashes]


@jinja2.pass_context
def csrf_token(context: Context) -> str:
    """Return the token for this page's forms, as Flask-WTF's `csrf_token()` does."""
    request: Request = context["request"]
    return csrf.csrf_token(browser_session(request), request.app.state.settings.secret_key)


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    autoescape=jinja2.select_autoescape(["html", "htm", "xml", "xhtml", "svg"]),  # as Flask has it
)
_environment.globals.update(
    url_for=url_for, get_flashed_messages=get_flashed_messages, csrf_token=csrf_token
)
templates = Jinja2Templates(env=_environment)
