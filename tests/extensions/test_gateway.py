"""The gateway of these tests answers from the side that it was told."""

from __future__ import annotations

from tests.extensions.conftest import Gateway


def test_the_side_that_was_chosen(gateway: Gateway) -> None:
    """A gateway of its own for each call."""
    assert gateway().get("/hello").headers["x-served-by"] == "flask"
    assert gateway("GET /hello").get("/hello").headers["x-served-by"] == "fastapi"
