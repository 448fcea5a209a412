"""Flask-Login's user, logins and logouts, for native handlers.

    @router.get("/me")
    async def me(user: LoggedIn) -> UserOut: ...

    @router.post("/login")
    async def login(given: Credentials) -> None:
        user = await find(given)
        await login_user(user, remember=given.remember)

User loaders and receivers of Flask-Login's signals may ask a database, so all of this runs on
threads, in the request's context: an `async def` never waits for them on the event loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import flask
from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from crossfade.compat.context import flask_context
from crossfade.errors import CrossfadeError
from crossfade.native.exceptions import refuse
from crossfade.native.request.early_guards import as_early_guard, once


# A plain function, which FastAPI runs in a thread.
def _current_user(connection: HTTPConnection) -> Any:
    flask_context(connection)
    return _flask_login().current_user._get_current_object()


async def _logged_in(connection: HTTPConnection) -> Any:
    flask_context(connection)
    return await once(connection, _logged_in, partial(run_in_threadpool, _checked, fresh=False))


async def _freshly_logged_in(connection: HTTPConnection) -> Any:
    flask_context(connection)
    check = partial(run_in_threadpool, _checked, fresh=True)
    return await once(connection, _freshly_logged_in, check)


as_early_guard(_logged_in, _logged_in)
as_early_guard(_freshly_logged_in, _freshly_logged_in)


CurrentUser = Annotated[Any, Depends(_current_user)]
"""Flask-Login's user: the application's own object, the anonymous one for those not logged in."""

LoggedIn = Annotated[Any, Depends(_logged_in)]
"""Flask-Login's user; others are answered as `login_required` answers them."""

FreshlyLoggedIn = Annotated[Any, Depends(_freshly_logged_in)]
"""Flask-Login's user; others, and those whom only a cookie remembers, are answered as
`fresh_login_required` answers them."""


def allowed(check: Callable[[Any], bool | Awaitable[bool]], description: str | None = None) -> Any:
    """Return a dependency: the user who is logged in, if `check` lets them; 403 otherwise.

    @router.get("/admin", dependencies=[allowed(lambda user: "admin" in user.roles)])

    Args:
        check: may ask a database: a plain function runs on a thread, a coroutine is awaited.
        description: of the 403, as given to `abort`; None for Werkzeug's own.
    """

    async def checked(user: Any) -> Any:
        verdict = await run_in_threadpool(check, user)
        # A coroutine that nobody awaits is true: it would let everybody in.
        if inspect.isawaitable(verdict):
            verdict = await verdict
        if not verdict:
            flask.abort(403, description=description)
        return user

    async def user(connection: HTTPConnection, user: LoggedIn) -> Any:
        return await once(connection, checked, partial(checked, user))

    async def early(connection: HTTPConnection) -> Any:
        return await user(connection, await _logged_in(connection))

    as_early_guard(user, early)
    return Depends(user)


async def login_user(
    user: Any,
    remember: bool = False,
    duration: timedelta | None = None,
    force: bool = False,
    fresh: bool = True,
) -> bool:
    """Log a user in, as `flask_login.login_user` does; for an `async def`.

    Flask writes the session and the "remember me" cookie into the answer, whichever it is.

    Args:
        user: the application's own user object, as its user loader would return it.
        remember: whether a cookie logs the user in again when the session is over.
        duration: of that cookie; None for the application's setting.
        force: log in also who is not active.
        fresh: whether the login counts as fresh.

    Returns:
        Whether the user is logged in now: False for one who is not active.
    """
    done: bool = await run_in_threadpool(
        _flask_login().login_user, user, remember, duration, force, fresh
    )
    return done


async def logout_user() -> bool:
    """Log the user out, as `flask_login.logout_user` does; for an `async def`."""
    done: bool = await run_in_threadpool(_flask_login().logout_user)
    return done


async def confirm_login() -> None:
    """Make the login fresh again, as `flask_login.confirm_login` does; for an `async def`."""
    await run_in_threadpool(_flask_login().confirm_login)


def _checked(*, fresh: bool) -> Any:
    """Return the user, or end the request as Flask-Login's decorators do."""
    login = _flask_login()
    user = login.current_user._get_current_object()
    app: Any = flask.current_app
    if flask.request.method in login.config.EXEMPT_METHODS or app.config.get("LOGIN_DISABLED"):
        return user
    # What Flask-Login does with those who may not: a redirect, a flash, or 401.
    if not user.is_authenticated:
        refuse(app.make_response(app.login_manager.unauthorized()))
    if fresh and not login.login_fresh():
        refuse(app.make_response(app.login_manager.needs_refresh()))
    return user


def _flask_login() -> Any:
    try:
        import flask_login  # type: ignore[import-untyped]
    except ImportError as error:
        raise CrossfadeError("Flask-Login is not installed") from error
    return flask_login
