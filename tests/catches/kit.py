"""A row: one Flask view, the FastAPI endpoint that one would write in its place, what is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flask
from fastapi import FastAPI

View = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One defect.

    Attributes:
        name: in the words of the project's measurements.
        rule: Flask's rule; unique.
        path: FastAPI's.
        method: the method of both.
        view: Flask's side.
        endpoint: FastAPI's side.
        where: the place of the difference.
        cause: a part of the cause that is named.
        fix: a part of the fix that is named.
        options: of FastAPI's decorator.
        note: a part of the difference's note.
    """

    name: str
    rule: str
    path: str
    method: str
    view: View
    endpoint: View
    where: str
    cause: str
    fix: str
    options: dict[str, Any]
    note: str

    @property
    def route(self) -> str:
        """The route as the gateway spells it."""
        return f"{self.method} {self.rule}"


class Rows:
    """Collects the rows of one file."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(
        self,
        name: str,
        view: View,
        endpoint: View,
        where: str,
        cause: str,
        fix: str,
        *,
        rule: str = "",
        path: str = "",
        method: str = "GET",
        note: str = "",
        **options: Any,
    ) -> None:
        """Add a row; without a rule it gets a URL of its own."""
        rule = rule or "/" + "".join(c if c.isalnum() else "-" for c in name.lower())
        path = path or rule
        self.rows.append(
            Row(name, rule, path, method, view, endpoint, where, cause, fix, options, note)
        )


def flask_side(rows: list[Row]) -> flask.Flask:
    """Return the Flask application of the rows."""
    app = flask.Flask("catches", static_folder=None)
    app.secret_key = "k"
    for number, row in enumerate(rows):
        app.add_url_rule(row.rule, f"row{number}", row.view, methods=[row.method])
    return app


def native_side(rows: list[Row]) -> FastAPI:
    """Return the FastAPI application of the rows."""
    app = FastAPI()
    for row in rows:
        app.add_api_route(row.path, row.endpoint, methods=[row.method], **row.options)
    return app
