"""What a mistake with its printed fix is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flask
from fastapi import FastAPI
from fastapi.responses import JSONResponse

Build = Callable[[flask.Flask, FastAPI, bool], None]


@dataclass(frozen=True)
class Mend:
    """One mistake.

    Attributes:
        code: of the cause that is found.
        route: on which.
        words: what the printed fix has of what the mended side does.
        build: puts the route on both sides; the last argument says whether it is mended.
        hooks: what the map says before it is mended; after it, Flask's hooks run.
        state: whether rows are compared.
        stage: of the map before it is mended: a route that may be open can't be native.
    """

    code: str
    route: str
    words: tuple[str, ...]
    build: Build
    hooks: str = "flask"
    state: bool = False
    stage: str = "native"


MENDS: list[Mend] = []


def mend(code: str, route: str, *words: str, **more: Any) -> Callable[[Build], Build]:
    """Add a mistake to the list."""

    def add(build: Build) -> Build:
        MENDS.append(Mend(code, route, words, build, **more))
        return build

    return add


class Flasky(JSONResponse):
    """JSON that ends as Flask's does, so that a mistake shows itself alone."""

    def render(self, content: Any) -> bytes:
        """Return Starlette's bytes and a newline."""
        return super().render(content) + b"\n"
