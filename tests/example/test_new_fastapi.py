"""The FastAPI application by itself."""

from __future__ import annotations

import doctest

import pytest

from legacy_flask import create_app
from new_fastapi import app
from new_fastapi.compat import responses

from .native_client import NativeClient, serve

ROUTES = {
    "/hello": {"get"},
    "/guestbook": {"get", "post"},
    "/guestbook/entries": {"post"},
    "/users": {"get", "post"},
    "/users/{user_id}": {"get"},
    "/teams": {"get", "post"},
    "/players/{player_id}": {"get"},
    "/players/{player_id}/page": {"get"},
    "/todos": {"get", "post"},
    "/todos/{todo_id}": {"put", "delete"},
    "/matches": {"get", "post"},
    "/matches/{match_id}": {"get"},
    "/venues": {"get", "post"},
    "/venues/{venue_id}": {"patch"},
    "/venues/search": {"get", "post"},
    "/venues/quotes": {"post"},
    "/restx/referees": {"get", "post"},
    "/restx/referees/{referee_id}": {"get"},
    "/fees": {"post"},
    "/fees/{level}": {"get"},
    "/dashboard": {"get"},
    "/login": {"get", "post"},
    "/logout": {"post"},
    "/me": {"get"},
    "/members/dues": {"get"},
    "/members/locker": {"get"},
    "/members/card": {"get"},
    "/fan-api/token": {"post", "delete"},
    "/fan-api/refresh": {"post"},
    "/fan-api/profile": {"get"},
    "/fan-api/contact": {"get"},
    "/fan-api/search": {"get"},
    "/fan-api/transfers": {"post"},
    "/fan-api/players/{player_id}/team": {"delete"},
    "/fan-api/standings": {"get"},
    "/basket": {"get", "post", "delete"},
    "/basket/size": {"get"},
    "/players/{player_id}/invite": {"post"},
    "/players/{player_id}/remind": {"post"},
    "/teams/{team_id}/invite": {"post"},
    "/shop/kits/{slug}": {"get"},
    "/shop/kits/{kind}/sizes": {"get"},
    "/shop/seats/{seat}": {"get"},
    "/shop/under/{price}": {"get"},
    "/shop/guides/{page}": {"get"},
    "/shop/tickets/{ticket_id}": {"get"},
    "/shop/compare/{player_ids}": {"get"},
    "/shop/news/": {"get"},
    "/shop/contact": {"get"},
    "/shop/faq": {"get"},
    "/shop/catalogue/": {"get"},
    "/shop/catalogue/page/{page}": {"get"},
}


def test_documents_every_route() -> None:
    """`/docs` shows each route, the bodies it takes and the answers it gives."""
    paths = app.openapi()["paths"]
    assert {path: set(operations) for path, operations in paths.items()} == ROUTES
    body = paths["/users"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"name", "email", "age"}
    assert body["properties"]["name"]["type"] == "string"
    assert body["required"] == ["name", "email"]
    answer = paths["/users"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/UserCreated"}
    assert {"400", "409", "415"} < set(paths["/users"]["post"]["responses"])


def test_starts_with_the_settings_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The exported application reads them when it starts, not when it is imported."""
    folder = tmp_path_factory.mktemp("environment")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{folder}/club.db")
    create_app()
    with serve(app) as client:
        assert client.get("/users/1").json()["name"] == "Ada Lovelace"
        assert client.get("/docs").status_code == 200


def test_a_path_that_flask_would_not_match_is_not_found(native: NativeClient) -> None:
    """Once Flask is gone FastAPI's own matching stands alone: 404, not 422."""
    assert native.get("/users/ada").status_code == 404
    assert "not found" in native.get("/users/ada").json()["error"]


def test_examples_in_docstrings() -> None:
    """What the docstrings show is what happens."""
    assert doctest.testmod(responses) == (0, 2)
