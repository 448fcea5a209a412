"""Bearer tokens by PyJWT: the same claims, checks and words as Flask-JWT-Extended's.

PyJWT checks the signature, `exp`, `nbf`, `iat`, `iss` and that `sub` and `jti` are text. What a
token is for (`type`, `fresh`), whether it was revoked and whose it is, is checked here.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

import jwt
from fastapi import Depends, HTTPException, Request
from fastapi.security import OAuth2PasswordBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from legacy_flask.blocklist import Blocklist
from legacy_flask.models import User
from new_fastapi.compat.responses import FlaskJSONResponse
from new_fastapi.dependencies import CurrentSettings, Session
from new_fastapi.settings import TokenSettings

Kind = Literal["access", "refresh"]


class TokenRefused(HTTPException):
    """A token that is missing (401), no good any more (401), or no such token at all (422)."""


async def token_refused(_request: Request, error: Exception) -> FlaskJSONResponse:
    """Answer as Flask-JWT-Extended does: `{"msg": …}`, without a `WWW-Authenticate`."""
    assert isinstance(error, TokenRefused)  # what it is registered for
    return FlaskJSONResponse({"msg": error.detail}, error.status_code)


class FlaskBearer(OAuth2PasswordBearer):
    """Reads the `Authorization` header as the extension does; shows the Authorize button.

    FastAPI's own takes `bearer` in any case, and the first of two headers.
    """

    async def __call__(self, request: HTTPConnection) -> str:
        """Return the token, which may be anything.

        Raises:
            TokenRefused: there is none, or more than one.
        """
        header = ",".join(request.headers.getlist("authorization")).strip().strip(",")
        if not header:
            raise TokenRefused(401, "Missing Authorization Header")
        fields = [field.split() for field in re.split(r",\s*", header)]
        bearers = [words for words in fields if words[:1] == ["Bearer"]]
        if len(bearers) != 1:
            raise TokenRefused(
                401,
                "Missing 'Bearer' type in 'Authorization' header. "
                "Expected 'Authorization: Bearer <JWT>'",
            )
        if len(bearers[0]) != 2:
            expected = "Bad Authorization header. Expected 'Authorization: Bearer <JWT>'"
            raise TokenRefused(422, expected)
        return bearers[0][1]


bearer = FlaskBearer(tokenUrl="/fan-api/token", refreshUrl="/fan-api/refresh")


@dataclass(frozen=True)
class Token:
    """A token that was checked, and its owner."""

    claims: dict[str, Any]
    user: User


def issue(user: User, kind: Kind, settings: TokenSettings, *, fresh: bool = False) -> str:
    """Return a new token, with every claim that the extension writes."""
    now = datetime.now(timezone.utc)
    lifetime = settings.access_lifetime if kind == "access" else settings.refresh_lifetime
    return jwt.encode(
        {
            "fresh": fresh,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "type": kind,
            "sub": str(user.id),
            "nbf": now,
            # Wanted where a legacy route reads the token from a cookie.
            "csrf": str(uuid.uuid4()),
            "iss": settings.issuer,
            "exp": now + lifetime,
            "role": "treasurer" if user.email == settings.treasurer else "member",
        },
        settings.secret,
        settings.algorithm,
    )


def read(encoded: str, settings: TokenSettings) -> dict[str, Any]:
    """Return the claims of a token that is ours and not over.

    Raises:
        TokenRefused: in the extension's words, which are PyJWT's.
    """
    try:
        # First as the extension does, which decides what is complained of when much is wrong.
        jwt.decode(encoded, options={"verify_signature": False})
        jwt.get_unverified_header(encoded)
        try:
            claims = _decode(encoded, settings)
        except jwt.ExpiredSignatureError:
            _decode(encoded, settings, verify_exp=False)
            raise TokenRefused(401, "Token has expired") from None
    except jwt.InvalidTokenError as error:
        raise TokenRefused(422, str(error)) from error
    return {"type": "access", "fresh": False, "jti": None, **claims}


def _decode(encoded: str, settings: TokenSettings, *, verify_exp: bool = True) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        encoded,
        settings.secret,
        # Never what the token's own header says: that may be "none".
        algorithms=[settings.algorithm],
        issuer=settings.issuer,
        options={"verify_aud": False, "verify_exp": verify_exp},
    )
    if "sub" not in claims:
        raise TokenRefused(422, "Missing claim: sub")
    return claims


def _is_fresh(until: Any) -> bool:
    """Tell whether a token still is fresh: always, never, or until a second since 1970."""
    if isinstance(until, bool):
        return until
    return bool(until >= datetime.now(timezone.utc).timestamp())


def token_required(
    kind: Kind | None = "access", *, fresh: bool = False
) -> Callable[..., Awaitable[Token]]:
    """Return a dependency that does what `jwt_required` does, in its order.

    Args:
        kind: of the tokens that are let in; None for all.
        fresh: whether the owner must have typed their password for this token.
    """

    async def check(
        encoded: Annotated[str, Depends(bearer)], settings: CurrentSettings, session: Session
    ) -> Token:
        tokens = settings.tokens
        claims = read(encoded, tokens)
        if kind == "access" and claims["type"] == "refresh":
            raise TokenRefused(422, "Only non-refresh tokens are allowed")
        if kind == "refresh" and claims["type"] != "refresh":
            raise TokenRefused(422, "Only refresh tokens are allowed")
        if fresh and not _is_fresh(claims["fresh"]):
            raise TokenRefused(401, "Fresh token required")
        if await run_in_threadpool(blocklist(tokens).__contains__, claims["jti"]):
            raise TokenRefused(401, "Token has been revoked")
        user = await session.get(User, int(claims["sub"]))
        if user is None:
            raise TokenRefused(401, f"Error loading the user {claims['sub']}")
        return Token(claims, user)

    return check


def blocklist(settings: TokenSettings) -> Blocklist:
    """Return the list of revoked tokens, which both sides share."""
    return Blocklist(settings.blocklist, settings.refresh_lifetime.total_seconds())
