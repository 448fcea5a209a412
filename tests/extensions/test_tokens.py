"""Flask-JWT-Extended and PyJWT: what one side makes or refuses, the other takes or refuses too."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from flask import Flask
from sqlalchemy import delete, update
from werkzeug.security import generate_password_hash

from legacy_flask.extensions import db
from legacy_flask.models import User
from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app
from tests.extensions.conftest import Gateway, client_of

SECRET = "a secret of the tests, " * 3
ADA = {"username": DEMO_EMAIL, "password": DEMO_PASSWORD}
ROUTES = {
    "POST /fan-api/token",
    "POST /fan-api/refresh",
    "DELETE /fan-api/token",
    "GET /fan-api/profile",
    "GET /fan-api/contact",
}
MAKING = {"POST /fan-api/token", "POST /fan-api/refresh"}


@pytest.fixture
def config(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Give the tokens a secret and a blocklist of their own."""
    return {**config, "JWT_SECRET_KEY": SECRET, "TOKEN_BLOCKLIST": str(tmp_path / "revoked")}


@pytest.fixture(autouse=True)
def password(legacy: Flask) -> None:
    """Let Ada log in; hashing takes no time."""
    cheap = generate_password_hash(DEMO_PASSWORD, "pbkdf2:sha256:1")
    with legacy.app_context():
        db.session.execute(update(User).where(User.id == 1).values(password_hash=cheap))
        db.session.commit()


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def new_tokens(client: httpx.Client) -> dict[str, str]:
    """Log in and return the answer."""
    answer = client.post("/fan-api/token", data=ADA)
    assert answer.status_code == 200
    tokens: dict[str, str] = answer.json()
    return tokens


@pytest.mark.parametrize("native", [set(), MAKING, ROUTES - MAKING, ROUTES], ids=len)
def test_from_login_to_revocation(gateway: Gateway, native: set[str]) -> None:
    """Made by either side, read, renewed and revoked by either."""
    client = gateway(*native)
    tokens = new_tokens(client)
    access, refresh = bearer(tokens["access_token"]), bearer(tokens["refresh_token"])
    profile = {"id": 1, "name": "Ada Lovelace", "role": "treasurer"}
    assert client.get("/fan-api/profile", headers=access).json() == profile
    assert client.get("/fan-api/contact", headers=access).json() == {"email": DEMO_EMAIL}

    renewed = bearer(client.post("/fan-api/refresh", headers=refresh).json()["access_token"])
    assert client.get("/fan-api/profile", headers=renewed).json() == profile
    stale = client.get("/fan-api/contact", headers=renewed)
    assert (stale.status_code, stale.json()) == (401, {"msg": "Fresh token required"})

    assert client.delete("/fan-api/token", headers=renewed).status_code == 204
    for method, path in (("GET", "/fan-api/profile"), ("DELETE", "/fan-api/token")):
        gone = client.request(method, path, headers=renewed)
        assert (gone.status_code, gone.json()) == (401, {"msg": "Token has been revoked"})
    assert client.get("/fan-api/profile", headers=access).status_code == 200
    assert client.delete("/fan-api/token", headers=refresh).status_code == 204
    assert client.post("/fan-api/refresh", headers=refresh).status_code == 401


def test_both_sides_write_the_same_claims(gateway: Gateway) -> None:
    """In the header and the payload; what is random or a second is of the same form."""
    written = []
    for client in (gateway(), gateway(*ROUTES)):
        tokens = new_tokens(client)
        refresh = bearer(tokens["refresh_token"])
        tokens["renewed"] = client.post("/fan-api/refresh", headers=refresh).json()["access_token"]
        written.append(
            {name: claims(tokens[name]) for name in sorted(tokens) if "type" not in name}
        )
    assert written[0] == written[1]


def claims(token: str) -> dict[str, Any]:
    """Return a token's header and claims, times counted from its making."""
    content = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="club")
    made = content.pop("iat")
    for name in ("exp", "nbf"):
        content[name] -= made
    for name in ("jti", "csrf"):
        assert uuid.UUID(content.pop(name)).version == 4
    return {**jwt.get_unverified_header(token), **content}


# --- refusals -------------------------------------------------------------------------------------


def forged(**changed: Any) -> dict[str, Any]:
    """Return the claims of a good token, with changes; None takes a claim away."""
    now = datetime.now(timezone.utc)
    good = {
        "fresh": True,
        "iat": now - timedelta(minutes=1),
        "jti": str(uuid.uuid4()),
        "type": "access",
        "sub": "1",
        "nbf": now - timedelta(minutes=1),
        "csrf": "c",
        "iss": "club",
        "exp": now + timedelta(hours=1),
        "role": "member",
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


NO_TIMES = dict.fromkeys(("iat", "nbf", "exp"))


def signed(secret: str = SECRET, algorithm: str = "HS256", **changed: Any) -> str:
    """Return a token with such claims."""
    return jwt.encode(forged(**changed), secret, algorithm)


def raw(header: object, payload: object, secret: str = SECRET) -> str:
    """Return a token that no library would make, signed all the same."""
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, payload)
    )
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def headers() -> Iterator[tuple[str, list[tuple[bytes, bytes]]]]:
    """Yield headers by what is wrong with them."""
    now = datetime.now(timezone.utc)
    good = signed()
    past, future = now - timedelta(hours=2), now + timedelta(hours=2)
    head, payload, signature = good.split(".")
    other = "B" if signature[0] == "A" else "A"
    tokens = {
        "nothing wrong": good,
        "no type": signed(type=None),
        "no jti": signed(jti=None),
        "not fresh": signed(fresh=False),
        "no freshness": signed(fresh=None),
        "fresh until then": signed(fresh=future.timestamp()),
        "fresh until lately": signed(fresh=past.timestamp()),
        "refresh": signed(type="refresh"),
        "of an unknown type": signed(type="other"),
        "expired": signed(exp=past),
        "expired, of another issuer": signed(exp=past, iss="elsewhere"),
        "expired, of nobody": signed(exp=past, sub=None),
        "not yet": signed(nbf=future),
        "made tomorrow": signed(iat=future),
        "endless": signed(exp=None),
        "exp is text": signed(exp="soon"),
        "nbf is text": signed(nbf="soon"),
        "another issuer": signed(iss="elsewhere"),
        "no issuer": signed(iss=None),
        "an audience": signed(aud="elsewhere"),
        "sub is a number": signed(sub=1),
        "no sub": signed(sub=None),
        "nobody's": signed(sub="99"),
        "jti is a number": signed(jti=1),
        "another secret": signed("another secret, " * 3),
        "another algorithm": signed(algorithm="HS384"),
        "no algorithm": jwt.encode(forged(), None, "none"),
        "no algorithm, but a signature": raw({"alg": "none", "typ": "JWT"}, {"sub": "1"}),
        "None as algorithm": raw({"alg": "None"}, {"sub": "1"}),
        "no alg": raw({"typ": "JWT"}, {"sub": "1"}),
        "a public key's algorithm": raw({"alg": "RS256", "typ": "JWT"}, {"sub": "1"}),
        "a kid that is a number": raw({"alg": "HS256", "kid": 1}, {"sub": "1"}),
        "a payload elsewhere": raw({"alg": "HS256", "b64": False, "crit": ["b64"]}, {"sub": "1"}),
        "a critical extension": raw({"alg": "HS256", "crit": ["new"]}, forged(**NO_TIMES)),
        "a header that is a list": raw(["HS256"], {"sub": "1"}),
        "a payload that is a list": raw({"alg": "HS256"}, ["1"]),
        "signature cut off": f"{head}.{payload}.",
        "signature changed": f"{head}.{payload}.{other}{signature[1:]}",
        "payload changed": f"{head}.{payload[:-4]}AAAA.{signature}",
        "two parts": f"{head}.{payload}",
        "four parts": f"{good}.{signature}",
        "no token": "none",
        "no base64": "a.b.c",
        "no ASCII": f"{good}é",
        "empty parts": "..",
    }
    lines = {
        "no header": [],
        **{name: [f"Bearer {token}"] for name, token in tokens.items()},
        **{name: [value] for name, value in oddly_written(good).items()},
        "two headers": [f"Bearer {good}"] * 2,
        "two kinds": ["Basic YTpi", f"Bearer {good}"],
    }
    for name, values in lines.items():
        yield name, [(b"Authorization", value.encode("latin-1")) for value in values]


def oddly_written(good: str) -> dict[str, str]:
    """Return values of the header by what is odd about them."""
    return {
        "empty": "",
        "a scheme alone": "Bearer",
        "small": f"bearer {good}",
        "large": f"BEARER {good}",
        "basic": "Basic YTpi",
        "no scheme": good,
        "two tokens": f"Bearer {good} {good}",
        "two schemes": f"Bearer {good}, Bearer {good}",
        "another before": f"Basic YTpi, Bearer {good}",
        "another behind": f"Bearer {good},Basic YTpi",
        "commas": f",Bearer {good},",
        "blanks": f"Bearer   {good}",
        "a tab": f"Bearer\t{good}",
    }


def test_the_same_refusals(gateway: Gateway, legacy: Flask) -> None:
    """Every wrong token on every route: status, words and headers are Flask's, natively too."""
    flask_side, fastapi_side = gateway(), gateway(*ROUTES)
    asked = [("GET", "profile"), ("GET", "contact"), ("POST", "refresh"), ("DELETE", "token")]
    seen: dict[str, dict[str, int]] = {}
    for name, sent in headers():
        for method, path in asked:
            url = f"/fan-api/{path}"
            ours = flask_side.request(method, url, headers=sent)
            forget(legacy)
            theirs = fastapi_side.request(method, url, headers=sent)
            forget(legacy)
            assert told(theirs) == told(ours), (name, method, path)
            seen.setdefault(name, {})[path] = ours.status_code
    # What matters is written down as well, so that both can't be wrong.
    good = {"profile": 200, "contact": 200, "refresh": 422, "token": 204}
    assert seen.pop("nothing wrong") == good
    assert seen["fresh until then"] == good
    assert seen["not fresh"] == {**good, "contact": 401}
    assert seen["fresh until lately"] == {**good, "contact": 401}
    assert seen["no freshness"] == {**good, "contact": 401}
    assert seen["refresh"] == {"profile": 422, "contact": 422, "refresh": 200, "token": 204}
    for name in ("expired", "no header", "small", "two headers", "nobody's"):
        assert set(seen[name].values()) <= {401, 422}, name
    for name in ("no algorithm", "another algorithm", "another secret", "a public key's algorithm"):
        assert set(seen[name].values()) == {422}, name
    assert len(seen) > 55


def told(answer: httpx.Response) -> object:
    """Return what a client sees, without the token that only one of them made."""
    body: object = answer.content
    if "access_token" in answer.text:
        body = sorted(answer.json())
    kept = {name: value for name, value in answer.headers.items() if name not in UNLIKE}
    return answer.status_code, kept, body


UNLIKE = {"date", "server", "x-served-by"}


def forget(legacy: Flask) -> None:
    """Empty the blocklist."""
    for path in Path(legacy.config["TOKEN_BLOCKLIST"]).glob("*"):
        path.unlink()


def test_the_token_of_a_deleted_user(gateway: Gateway, legacy: Flask) -> None:
    """The token is good, its owner is gone."""
    for client in (gateway(), gateway(*ROUTES)):
        token = signed(sub="4")
        assert client.get("/fan-api/profile", headers=bearer(token)).status_code == 200
        with legacy.app_context():
            db.session.execute(delete(User).where(User.id == 4))
            db.session.commit()
        gone = client.get("/fan-api/profile", headers=bearer(token))
        assert (gone.status_code, gone.json()) == (401, {"msg": "Error loading the user 4"})
        with legacy.app_context():
            db.session.add(User(id=4, name="Linus", email="linus@example.com"))
            db.session.commit()


def test_wrong_credentials(gateway: Gateway) -> None:
    """What is no form, or not right, is 401 in the extension's form."""
    tried: list[dict[str, Any]] = [
        {"data": {**ADA, "password": "wrong"}},
        {"data": {"username": DEMO_EMAIL}},
        {"json": ADA},
        {},
    ]
    for client in (gateway(), gateway(*ROUTES)):
        for options in tried:
            answer = client.post("/fan-api/token", **options)
            assert (answer.status_code, answer.json()) == (
                401,
                {"msg": "Wrong e-mail address or password"},
            )


def test_the_documentation_has_an_authorize_button(gateway: Gateway) -> None:
    """OAuth2's password flow stands in the document, and the token URL takes what it sends."""
    client = gateway(*ROUTES)
    document = client.get("/openapi.json").json()
    (scheme,) = document["components"]["securitySchemes"].values()
    assert scheme["flows"]["password"]["tokenUrl"] == "/fan-api/token"
    assert document["paths"]["/fan-api/profile"]["get"]["security"]
    form = {**ADA, "grant_type": "password", "scope": "", "client_id": "", "client_secret": ""}
    assert client.post("/fan-api/token", data=form).json()["token_type"] == "bearer"


def test_without_flask(gateway: Gateway, legacy: Flask) -> None:
    """All but the form of the login stands on its own: FastAPI alone takes and makes tokens."""
    flask_side = gateway()
    tokens = new_tokens(flask_side)
    with client_of(create_native_app(Settings.load(legacy.config))) as alone:
        access = bearer(tokens["access_token"])
        assert alone.get("/fan-api/contact", headers=access).json() == {"email": DEMO_EMAIL}
        refresh = bearer(tokens["refresh_token"])
        renewed = alone.post("/fan-api/refresh", headers=refresh).json()["access_token"]
        assert flask_side.get("/fan-api/profile", headers=bearer(renewed)).status_code == 200
        assert alone.delete("/fan-api/token", headers=bearer(renewed)).status_code == 204
        for client in (alone, flask_side):
            gone = client.get("/fan-api/profile", headers=bearer(renewed))
            assert (gone.status_code, gone.json()) == (401, {"msg": "Token has been revoked"})
            odd = client.get("/fan-api/profile", headers=bearer("odd"))
            assert (odd.status_code, odd.json()) == (422, {"msg": "Not enough segments"})
