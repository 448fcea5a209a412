"""Flask-WTF: a form and its token, whoever shows the page and whoever takes the form."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask import Flask

from legacy_flask.seed import reset_data
from tests.extensions.conftest import Gateway
from tests.extensions.guestbook import (
    FORM,
    PAGE,
    ROUTES,
    SCRIPT,
    answer,
    entries,
    flashes_of,
    token_made_long_ago,
    token_of,
)

pytestmark = pytest.mark.slow

MAPS = {
    "flask": ((), ()),
    "fastapi": (ROUTES, ()),
    "form moved": ((FORM, SCRIPT), ()),
    "page moved": ((PAGE,), ()),
    "fastapi alone": ((), ROUTES),
    "form alone": ((PAGE,), (FORM, SCRIPT)),
    "page alone": ((FORM,), (PAGE,)),
}
maps = pytest.mark.parametrize(("native", "alone"), MAPS.values(), ids=MAPS)
Routes = tuple[str, ...]
VISITOR = {"author": "Bo <b>", "message": "  Häftig & fint\r\n"}


@maps
def test_an_entry(gateway: Gateway, legacy: Flask, native: Routes, alone: Routes) -> None:
    """Shown, filled in, sent, redirected; thanked for once."""
    client = gateway(*native, without_flask=alone)
    native += alone
    page = client.get("/guestbook")
    assert page.headers["x-served-by"] == ("fastapi" if PAGE in native else "flask")
    sent = client.post("/guestbook", data={**VISITOR, "csrf_token": token_of(page)})
    assert sent.headers["x-served-by"] == ("fastapi" if FORM in native else "flask")
    assert (sent.status_code, sent.headers["location"]) == (302, "/guestbook")
    after = client.get("/guestbook")
    assert flashes_of(after) == [("success", "Thank you, Bo <b>!")]
    assert "<li><b>Bo &lt;b&gt;</b>:   Häftig &amp; fint\r\n</li>" in after.text
    assert flashes_of(client.get("/guestbook")) == []
    assert entries(legacy)[2:] == [("Bo <b>", "  Häftig & fint\r\n")]


@maps
def test_a_script(gateway: Gateway, legacy: Flask, native: Routes, alone: Routes) -> None:
    """JSON, with the page's token in a header."""
    client = gateway(*native, without_flask=alone)
    native += alone
    token = token_of(client.get("/guestbook"))
    for number, name in enumerate(("X-CSRFToken", "X-CSRF-Token"), 3):
        entry = {"author": "Bo", "message": name}
        sent = client.post("/guestbook/entries", json=entry, headers={name: token})
        assert (sent.status_code, sent.json()["entry"]) == (201, {"id": number, **entry})
        assert sent.headers["x-served-by"] == ("fastapi" if SCRIPT in native else "flask")
    wrong = client.post("/guestbook/entries", json={"author": ""}, headers={"X-CSRFToken": token})
    assert wrong.json() == {"error": "author is required and has at most 40 characters"}


Spoil = Callable[[Flask, httpx.Client, httpx.Client], "str | None"]


def other_browsers(_app: Flask, _client: httpx.Client, other: httpx.Client) -> str:
    """A token that is good in another session."""
    return token_of(other.get("/guestbook"))


def without_session(_app: Flask, client: httpx.Client, _other: httpx.Client) -> str:
    """A good token, whose session is lost."""
    token = token_of(client.get("/guestbook"))
    client.cookies.clear()
    return token


def late(app: Flask, client: httpx.Client, _other: httpx.Client) -> str:
    """A good token that was good for an hour."""
    return token_made_long_ago(app, client)


def forged(_app: Flask, client: httpx.Client, _other: httpx.Client) -> str:
    """A good token with another letter at its end."""
    token = token_of(client.get("/guestbook"))
    return token[:-3] + ("aaa" if token[-3:] != "aaa" else "bbb")


REFUSED: dict[str, tuple[Spoil, str]] = {
    "none": (lambda *_: None, "The CSRF token is missing."),
    "empty": (lambda *_: "", "The CSRF token is missing."),
    "garbage": (lambda *_: "x", "The CSRF token is invalid."),
    "forged": (forged, "The CSRF token is invalid."),
    "late": (late, "The CSRF token has expired."),
    "another's": (other_browsers, "The CSRF tokens do not match."),
    "no session": (without_session, "The CSRF session token is missing."),
}  # fmt: skip


def test_bad_tokens(gateway: Gateway, legacy: Flask) -> None:
    """Refused with Flask-WTF's bytes, by the borrowed hook and by FastAPI alone."""
    before = entries(legacy)
    clients = gateway(), gateway(*ROUTES), gateway(without_flask=ROUTES)
    for name, (spoil, reason) in REFUSED.items():
        seen: list[Any] = []
        for client, side in zip(clients, ("flask", "fastapi", "fastapi"), strict=True):
            client.cookies.clear()
            client.get("/guestbook")
            with httpx.Client(base_url=client.base_url, trust_env=False) as other:
                token = spoil(legacy, client, other)
            fields = VISITOR if token is None else {**VISITOR, "csrf_token": token}
            headers = {} if token is None else {"X-CSRFToken": token}
            page = client.post("/guestbook", data=fields)
            script = client.post("/guestbook/entries", json=VISITOR, headers=headers)
            assert f"<p>{reason}</p>" in page.text, name
            assert (script.status_code, script.json()) == (400, {"error": reason}), name
            assert page.headers["x-served-by"] == script.headers["x-served-by"] == side
            seen.append((answer(page), answer(script)))
        assert seen[0] == seen[1] == seen[2], name
    assert entries(legacy) == before


REFERRERS = {
    "https://{host}/guestbook": None,
    "http://{host}/guestbook": "The referrer does not match the host.",
    "https://elsewhere.example/": "The referrer does not match the host.",
    "": "The referrer header is missing.",
}


def test_over_https_the_referrer_counts(gateway: Gateway) -> None:
    """As CSRFProtect has it, behind a proxy that speaks https."""
    for client in gateway(), gateway(*ROUTES), gateway(without_flask=ROUTES):
        token = token_of(client.get("/guestbook"))
        for referrer, reason in REFERRERS.items():
            headers = {"X-CSRFToken": token, "X-Forwarded-Proto": "https"}
            if referrer:
                headers["Referer"] = referrer.format(host=client.base_url.netloc.decode())
            sent = client.post("/guestbook/entries", json=VISITOR, headers=headers)
            assert (sent.status_code, sent.json().get("error")) == (400 if reason else 201, reason)


FORMS: dict[str, dict[str, Any]] = {
    "nothing": {"data": {}},
    "blank": {"data": {"author": " ", "message": "\t\r\n"}},
    "too long": {"data": {"author": "x" * 41, "message": "</textarea><script>" * 20}},
    "just fits": {"data": {"author": "é" * 40, "message": "x" * 200}},
    "twice": {"data": {"author": ["", "Bo"], "message": ["Hi", ""]}},
    "multipart": {"files": {"author": (None, "Bo"), "message": (None, "Hi")}},
    "JSON in place of a form": {"json": {"author": "Bo", "message": "Hi"}},
    "JSON without an object": {"json": []},
    "broken JSON": {"content": b"{", "headers": {"content-type": "application/json"}},
    "a number": {"json": {"author": 5, "message": "Hi"}},
    "a file": {"files": {"author": ("a.txt", b"Bo"), "message": ("b.txt", b"")}},
}


def test_whatever_is_filled_in(gateway: Gateway, legacy: Flask) -> None:
    """The page that FastAPI shows is Flask's, with what was typed and what is wrong with it."""
    clients = {"flask": gateway(), "fastapi": gateway(*ROUTES)}
    for name, options in FORMS.items():
        seen = []
        for side, client in clients.items():
            reset_data(legacy)
            token = token_of(client.get("/guestbook"))
            headers = {"X-CSRFToken": token, **options.get("headers", {})}
            sent = client.post("/guestbook", **{**options, "headers": headers})
            assert sent.headers["x-served-by"] == side
            seen.append((entries(legacy), answer(sent)))
        assert seen[0] == seen[1], name


def test_the_other_routes_know_no_token(gateway: Gateway) -> None:
    """What programs send to stays as it was."""
    client = gateway("POST /todos")
    assert client.post("/todos", json={"title": "Paint"}).status_code == 201
    assert client.post("/teams", json={"name": secrets.token_hex(4)}).status_code == 201
    assert client.post("/logout").status_code == 302
