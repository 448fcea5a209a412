"""What native routes borrow from Flask until they need it no longer.

| module | owns |
| --- | --- |
| `borrow` | who runs inside Flask's machinery, and who has nothing to borrow |
| `exchange` | one request: every way in which it can end |
| `flaskside` | Flask's part of it, in Flask's order |
| `around` | what an application does around a view |
| `hops` | threads and contexts |
| `body`, `spool`, `flask_input` | the body, which both frameworks read |
| `answers` | what goes from one framework to the other |
| `early` | guards that run before a body is read |
| `errors` | what a handler raises, in Flask's words |
| `context`, `login` | what handlers use: session, `g`, flashes; the user, logins and logouts |
| `behind` | native handlers behind decorators of Flask views |
| `requests`, `responses` | what handlers use: arguments, answers |
| `pages` | templates |
| `urls` | `url_for` on both sides |
| `unborrowed` | what native routes do without: in the log, the status, a map's problems |
| `wrappers`, `guards`, `known_guards` | decorators of views, their counterparts on handlers |
| `middleware`, `threads` | WSGI middleware around Flask; what hooks keep by thread |
| `session_cookies` | session middleware of FastAPI's that takes Flask's cookie |
| `extensions`, `known_extensions` | which an application has, what is borrowed of each |
| `blocking` | the warning of what holds up the event loop |
| `stack` | room for what is nested deep |
"""

from __future__ import annotations

from crossfade.compat.context import (
    Flash,
    FlaskRequest,
    G,
    Session,
    flask_context,
)
from crossfade.compat.decorators import decorated
from crossfade.compat.login import (
    CurrentUser,
    FreshlyLoggedIn,
    LoggedIn,
    allowed,
    confirm_login,
    login_user,
    logout_user,
)
from crossfade.compat.params import (
    REQUIRED,
    arg,
    args,
    cookie,
    file,
    form,
    form_body,
    forms,
    header,
    json,
    json_body,
    json_model,
    read,
)
from crossfade.compat.responses import (
    DecimalString,
    FlaskJSONResponse,
    FlaskResponse,
    HttpDate,
    HttpDateTime,
    delete_cookie,
    flask_view,
    jsonify,
    set_cookie,
)
from crossfade.compat.templating import render_template
from crossfade.native.exceptions import legacy_validation_error, validation_error

__all__ = [
    "REQUIRED",
    "CurrentUser",
    "DecimalString",
    "Flash",
    "FlaskJSONResponse",
    "FlaskRequest",
    "FlaskResponse",
    "FreshlyLoggedIn",
    "G",
    "HttpDate",
    "HttpDateTime",
    "LoggedIn",
    "Session",
    "allowed",
    "arg",
    "args",
    "confirm_login",
    "cookie",
    "decorated",
    "delete_cookie",
    "file",
    "flask_context",
    "flask_view",
    "form",
    "form_body",
    "forms",
    "header",
    "json",
    "json_body",
    "json_model",
    "jsonify",
    "legacy_validation_error",
    "login_user",
    "logout_user",
    "read",
    "render_template",
    "set_cookie",
    "validation_error",
]
