"""What crossfade knows of Flask's extensions: one row each, kept equal to its page in the docs.

Each row was run with the real package: a route of Flask's, a native one, one request to each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Borrowed(str, Enum):
    """How much of an extension's work a native route has."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of an extension.

    Attributes:
        name: as its documentation spells it.
        package: what Python imports; by it the extension's own functions are recognised.
        borrowed: how much of its work a native route has.
        instead: what to do about the rest, or what to know.
        ran: the version with which that was looked at.
        keys: in `app.extensions`.
        page: in `docs/extensions`, where there is one.
    """

    name: str
    package: str
    borrowed: Borrowed
    instead: str
    ran: str
    keys: tuple[str, ...] = ()
    page: str = ""


_YES: Final = Borrowed.YES
_PARTLY: Final = Borrowed.PARTLY
_NO: Final = Borrowed.NO
_DECORATED: Final = "dependencies=[decorated(…)] of crossfade.compat runs them"

ROWS: Final = (
    Row(
        "APIFlask",
        "apiflask",
        _PARTLY,
        f"its error answers are borrowed; @auth_required is not ({_DECORATED}); input and output "
        "are the handler's own types, and a bad input is 400 until validation_error says 422",
        "3.1.2",
    ),
    Row(
        "Authlib",
        "authlib",
        _PARTLY,
        "OAuth clients work in native handlers; a ResourceProtector on the view does not: "
        "dependencies=[decorated(require_oauth())]",
        "1.9.6",
        ("authlib.integrations.flask_client",),
    ),
    Row(
        "Celery",
        "celery",
        _YES,
        "tasks are sent from native handlers as before, and run in an application context of "
        "their own",
        "5.7.0",
        ("celery",),
    ),
    Row(
        "Connexion",
        "connexion",
        _NO,
        "version 3 is an ASGI application, which mount_legacy refuses: move the operations to "
        "FastAPI, or route them to the old server",
        "3.3.0",
    ),
    Row(
        "Elastic APM",
        "elasticapm",
        _YES,
        "it listens to Flask's signals: native requests are transactions under the same names",
        "6.26.2",
    ),
    Row(
        "Flasgger",
        "flasgger",
        _PARTLY,
        "it describes, so nothing is lost, but what @swag_from(validation=True) refuses: FastAPI "
        "validates with the handler's types",
        "0.9.7.1",
        page="flasgger.md",
    ),
    Row(
        "Flask-Admin",
        "flask_admin",
        _NO,
        "leave its views to Flask, or SQLAdmin beside it",
        "2.2.1",
        ("admin",),
        page="flask-admin.md",
    ),
    Row(
        "Flask-APScheduler",
        "flask_apscheduler",
        _YES,
        "jobs run beside requests; nothing to do. Start it in one worker only, as under gunicorn",
        "1.13.1",
    ),
    Row("Flask-Babel", "flask_babel", _YES, "the selectors see flask.request", "4.0.0", ("babel",)),
    Row(
        "Flask-Bcrypt",
        "flask_bcrypt",
        _YES,
        "plain functions; in an async def run them on a thread, they take long by design",
        "1.0.1",
    ),
    Row(
        "Flask-Caching",
        "flask_caching",
        _PARTLY,
        "the cache is one for both sides; @cached and @memoize on a view are not borrowed: get and "
        "set in the handler",
        "2.5.1",
        ("cache",),
        page="flask-caching.md",
    ),
    Row(
        "Flask-Compress",
        "flask_compress",
        _YES,
        "native answers are compressed by its hook",
        "1.25",
        ("compress",),
    ),
    Row(
        "Flask-CORS",
        "flask_cors",
        _PARTLY,
        "CORS(app, resources=…) is borrowed; @cross_origin on a view is not: name its URL as a "
        "resource, or decorated(cross_origin())",
        "6.0.5",
        page="flask-cors.md",
    ),
    Row(
        "Flask-Dance",
        "flask_dance",
        _YES,
        "its blueprints stay with Flask; github.authorized and the like work in native handlers",
        "7.1.0",
    ),
    Row(
        "Flask-DebugToolbar",
        "flask_debugtoolbar",
        _YES,
        "native HTML pages get the toolbar, too: a tool for development",
        "0.16.0",
    ),
    Row(
        "Flask-Executor",
        "flask_executor",
        _YES,
        "submit() from a native handler takes Flask's context along",
        "1.0.0",
        ("executor",),
    ),
    Row(
        "Flask-HTMX",
        "flask_htmx",
        _YES,
        "htmx works in native handlers",
        "0.4.0",
    ),
    Row(
        "Flask-HTTPAuth",
        "flask_httpauth",
        _NO,
        "dependencies=[decorated(auth.login_required)] of crossfade.compat; later HTTPBasic or "
        "HTTPBearer of FastAPI with a check",
        "4.8.1",
    ),
    Row(
        "Flask-JWT-Extended",
        "flask_jwt_extended",
        _PARTLY,
        "its error answers are borrowed; @jwt_required on a view is not: a dependency that calls "
        "verify_jwt_in_request(), or OAuth2 with PyJWT",
        "4.7.4",
        ("flask-jwt-extended",),
        page="flask-jwt-extended.md",
    ),
    Row(
        "Flask-Limiter",
        "flask_limiter",
        _PARTLY,
        "default, application and blueprint limits are borrowed; @limiter.limit on a view is not: "
        f"{_DECORATED} with the same counters",
        "4.1.1",
        ("limiter",),
        page="flask-limiter.md",
    ),
    Row(
        "Flask-Login",
        "flask_login",
        _PARTLY,
        "the user and the remember cookie are borrowed; @login_required on a view is not: take "
        "user: LoggedIn",
        "0.6.3",
        page="flask-login.md",
    ),
    Row(
        "Flask-Mail",
        "flask_mail",
        _YES,
        "send in a background task or on a thread: SMTP blocks",
        "0.10.0",
        ("mail",),
        page="flask-mail.md",
    ),
    Row(
        "Flask-Marshmallow",
        "flask_marshmallow",
        _YES,
        "schemas and URLFor work in native handlers; FastAPI documents only pydantic models",
        "1.5.0",
        ("flask-marshmallow",),
        page="marshmallow.md",
    ),
    Row(
        "Flask-Migrate",
        "flask_migrate",
        _YES,
        "a command line; nothing runs in a request",
        "4.1.0",
        ("migrate",),
        page="flask-migrate.md",
    ),
    Row("Flask-Minify", "flask_minify", _YES, "native HTML is minified by its hook", "0.50"),
    Row("Flask-Moment", "flask_moment", _YES, "templates work on both sides", "1.0.6", ("moment",)),
    Row(
        "Flask-Principal",
        "flask_principal",
        _PARTLY,
        "the identity is loaded; @permission.require() on a view is not borrowed: "
        "dependencies=[decorated(permission.require(403))]",
        "0.4.0",
    ),
    Row(
        "flask-profiler",
        "flask_profiler",
        _NO,
        "it wraps views: native routes are not measured; use an ASGI profiler",
        "1.8.1",
    ),
    Row(
        "Flask-Pydantic",
        "flask_pydantic",
        _NO,
        "FastAPI validates with the same models; validation_error gives its answer's form",
        "0.14.0",
        page="flask-pydantic.md",
    ),
    Row(
        "Flask-RESTful",
        "flask_restful",
        _PARTLY,
        "its error answers are borrowed; reqparse and marshal_with give way to pydantic models",
        "0.3.10",
    ),
    Row(
        "Flask-RESTX",
        "flask_restx",
        _PARTLY,
        "its error answers and @api.errorhandler are borrowed; expect and marshal_with give way to "
        "pydantic models",
        "1.3.2",
        ("restx",),
        page="flask-restx.md",
    ),
    Row(
        "Flask-SeaSurf",
        "flask_seasurf",
        _YES,
        "its hook checks the token of native routes, too, and knows what is exempt",
        "2.0.0",
    ),
    Row(
        "Flask-Security",
        "flask_security",
        _PARTLY,
        "the user is borrowed (LoggedIn); @auth_required and @roles_required are not: "
        f"{_DECORATED}",
        "5.9.2",
        ("security",),
    ),
    Row(
        "Flask-Session",
        "flask_session",
        _YES,
        "session: Session; it is read and saved on a thread",
        "0.8.0",
        page="flask-session.md",
    ),
    Row(
        "flask-smorest",
        "flask_smorest",
        _PARTLY,
        "its error answers are borrowed; arguments and response give way to pydantic models, and a "
        "bad argument is 400 until validation_error says 422",
        "0.47.0",
        ("flask-smorest",),
    ),
    Row(
        "Flask-Sock",
        "flask_sock",
        _NO,
        "WebSockets do not reach Flask through the gateway: write them in FastAPI, or route them "
        "to the old server",
        "0.7.0",
    ),
    Row(
        "Flask-SocketIO",
        "flask_socketio",
        _NO,
        "long polling reaches Flask; the WebSocket upgrade is refused, so clients stay with "
        "polling: route /socket.io to the old server until FastAPI serves it",
        "5.7.0",
        ("socketio",),
    ),
    Row(
        "Flask-SQLAlchemy",
        "flask_sqlalchemy",
        _YES,
        "db.session works in native handlers and is removed by its hook; in an async def it blocks",
        "3.1.1",
        ("sqlalchemy",),
        page="flask-sqlalchemy.md",
    ),
    Row(
        "Flask-Talisman",
        "flask_talisman",
        _YES,
        "its headers and the redirect to HTTPS stand on native answers",
        "1.1.0",
    ),
    Row(
        "Flask-WTF",
        "flask_wtf",
        _YES,
        "CSRFProtect's hook checks native routes, and knows what is exempt; it passes over those "
        "that only FastAPI has",
        "1.3.0",
        ("csrf",),
        page="flask-wtf.md",
    ),
    Row(
        "OpenTelemetry",
        "opentelemetry",
        _PARTLY,
        "its hooks make the spans of native requests; the metrics http.server.duration and "
        "active_requests are made in middleware, which is not passed: instrument FastAPI for those",
        "0.66b1",
    ),
    Row(
        "prometheus_flask_exporter",
        "prometheus_flask_exporter",
        _PARTLY,
        "the default metrics count native requests; @metrics.counter and the like on a view do not",
        "0.23.2",
    ),
    Row(
        "Sentry",
        "sentry_sdk",
        _PARTLY,
        "errors of native handlers are sent; keep Sentry's FastAPI integration on, as it is unless "
        "auto_enabling_integrations is off: without it there are no transactions, and one "
        "request's user and tags stand on another's errors",
        "2.75.0",
    ),
    Row(
        "webargs",
        "webargs",
        _NO,
        "@use_args gives way to the handler's own types; validation_error says 422",
        "8.7.1",
    ),
    Row(
        "WhiteNoise",
        "whitenoise",
        _NO,
        "its files are answered by the legacy side, as before",
        "6.12.0",
    ),
)
