"""Flask's own templates, rendered to the same bytes: one page has one template on both sides."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import jinja2
from fastapi.templating import Jinja2Templates
from jinja2.runtime import Context

import legacy_flask

TEMPLATES = Path(legacy_flask.__file__).parent / "templates"


@jinja2.pass_context
def url_for(context: Context, endpoint: str, *, filename: str) -> str:
    """Return the path of a static file, as Flask's `url_for("static", filename=…)` does."""
    if endpoint != "static":
        raise LookupError(f"only Flask's static files have a URL here, not {endpoint!r}")
    root_path: str = context["request"].scope.get("root_path", "")
    return f"{root_path}/static/{quote(filename)}"


_environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
_environment.globals["url_for"] = url_for
templates = Jinja2Templates(env=_environment)
