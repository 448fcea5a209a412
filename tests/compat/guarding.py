"""Guards in all the ways in which a team writes them, and what only looks like one."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import functools
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any, NoReturn

import flask_jwt_extended as flask_jwt
import werkzeug.exceptions
from fastapi import Depends, HTTPException, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2PasswordBearer
from flask import abort, redirect, request

View_ = Callable[..., Any]


# --- decorators of the team's own -----------------------------------------------------------------


def before(check: Callable[[], Any]) -> Callable[[View_], View_]:
    """Return a decorator that asks `check` first, and answers with what it returns."""

    def decorator(view: View_) -> View_:
        @functools.wraps(view)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return check() or view(*args, **kwargs)

        return inner

    return decorator


def admin_required(view: View_) -> View_:
    """A guard whose name says so."""

    @functools.wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        if request.headers.get("X-Admin") != "yes":
            abort(403)
        return view(*args, **kwargs)

    return inner


def roles(*names: str) -> Callable[[View_], View_]:
    """A guard with arguments."""

    def roles_required(view: View_) -> View_:
        @functools.wraps(view)
        def inner(*args: Any, **kwargs: Any) -> Any:
            if request.headers.get("X-Role") not in names:
                abort(HTTPStatus.FORBIDDEN)
            return view(*args, **kwargs)

        return inner

    return roles_required


def inner_circle(view: View_) -> View_:
    """A guard whose name doesn't say so, and that refuses in a function that it calls."""

    @functools.wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        turn_away()
        return view(*args, **kwargs)

    return inner


def turn_away() -> None:
    """Refuse whom nobody knows."""
    if "X-Friend" not in request.headers:
        raise werkzeug.exceptions.Unauthorized


def to_the_door(view: View_) -> View_:
    """A guard that sends strangers to log in."""

    @functools.wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if "X-Friend" in request.headers else redirect("/login")

    return inner


def timed(view: View_) -> View_:
    """A decorator that decides nothing; the view that it wraps may refuse."""

    @functools.wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return inner


def refusing_view() -> str:
    """A view that refuses in its own code, which is no decorator's work."""
    abort(403)


# --- dependencies ---------------------------------------------------------------------------------


async def get_member_count() -> int:
    """Counts members, whatever its name has in common with a guard's."""
    return 3


async def require_admin() -> None:
    """Is called like a guard, and lets everybody in."""


def login_required() -> None:
    """Is called like the decorator, and lets everybody in."""


async def unauthorized() -> None:
    """Refuses as FastAPI does."""
    raise HTTPException(401)


async def by_constant() -> None:
    """Refuses with Starlette's constant."""
    raise HTTPException(status_code=status.HTTP_401_UNAUTHORIZED, detail="no")


async def by_variable() -> None:
    """Refuses as FastAPI's tutorial does."""
    refused = HTTPException(status_code=HTTPStatus.UNAUTHORIZED)
    try:
        int("x")
    except ValueError:
        raise refused from None


def by_werkzeug() -> None:
    """Refuses as Flask does."""
    abort(403)


def by_class() -> None:
    """Refuses with an exception that has a status of its own."""
    raise werkzeug.exceptions.Forbidden


async def by_another() -> None:
    """Leaves it to a function that it calls."""
    await unauthorized()


class Refusing:
    """A dependency that is an object."""

    def _refuse(self) -> NoReturn:
        raise HTTPException(403)

    def __call__(self) -> None:
        """Refuse in a method of its own."""
        self._refuse()


async def perhaps() -> str | None:
    """Knows who calls, and lets strangers in."""
    try:
        await unauthorized()
    except HTTPException:
        return None
    return "ada"


async def suppressed() -> None:
    """The same by a context manager."""
    with suppress(HTTPException):
        raise HTTPException(401)


async def not_found() -> None:
    """Refuses nobody: there is nothing."""
    raise HTTPException(404)


async def inside() -> Callable[[], None]:
    """Returns what would refuse, and doesn't call it."""

    def refuse() -> None:
        raise HTTPException(401)

    return refuse


bearer = OAuth2PasswordBearer("token")


async def user(token: Annotated[str, Depends(bearer)]) -> str:
    """A scheme's key, judged."""
    if token != "right":
        raise HTTPException(401)
    return "ada"


async def scheme_only(key: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """A scheme's key, not judged."""
    return key.credentials


def jwt_by_hand() -> str:
    """A handler that does in its code what the decorator did."""
    flask_jwt.verify_jwt_in_request()
    return "x"


def jwt_freshly() -> str:
    """The same for a token of somebody who has just logged in."""
    flask_jwt.verify_jwt_in_request(fresh=True)
    return "x"


def jwt_perhaps() -> str:
    """The same for whoever has a token."""
    flask_jwt.verify_jwt_in_request(optional=True)
    return "x"


def throttle() -> None:
    """A dependency that limits."""
