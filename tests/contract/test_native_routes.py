"""Every native route of the example answers as Flask does, and leaves the same rows."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from crossfade.contract.run.client import Contract
from tests.contract.cases import CASES, URL_MAP, Case

EACH = [
    pytest.param(route, case, id=f"{route.partition(' ')[0]} {case}")
    for route, cases in CASES.items()
    for case in cases
]


def test_every_native_route_has_a_contract(contract_app: FastAPI) -> None:
    """A route that is added to `new_fastapi` has to be added to the cases, if Flask has it too."""
    routes = contract_app.state.crossfade.status()["routes"]
    assert set(CASES) == {each["route"] for each in routes if each["fastapi"] and each["flask"]}


@pytest.mark.parametrize(("route", "case"), EACH)
def test_the_sides_agree(contract: Contract, route: str, case: Case) -> None:
    """Good input and bad: one answer, one effect, and it is the route's own."""
    contract.request(route.partition(" ")[0], case.target, answered_by="fastapi", **case.options)
    assert contract.outcomes[-1].native.route == route


@pytest.mark.parametrize("route", [route for route in CASES if route.startswith("GET ")])
def test_head_follows_get(contract: Contract, route: str) -> None:
    """The head of the answer, and no body."""
    answer = contract.head(CASES[route][0].target, answered_by="fastapi")
    assert answer.content == b""


@pytest.mark.parametrize(("method", "target"), URL_MAP)
def test_the_url_map_stays_flasks(contract: Contract, method: str, target: str) -> None:
    """404, 405, redirects and OPTIONS are Flask's, although FastAPI has the routes."""
    contract.request(method, target, answered_by="flask")


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": "session=forged; a=b"},
        {"accept": "text/html"},
        {"if-none-match": '"x"', "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"range": "bytes=0-3"},
        {"origin": "https://elsewhere.example", "access-control-request-method": "GET"},
        {"host": "other.example:8080"},
        {"x-forwarded-for": "10.0.0.1", "x-forwarded-proto": "https"},
    ],
    ids=lambda headers: next(iter(headers)),
)
@pytest.mark.parametrize("target", ["/users/1", "/users/99", "/players/1/page", "/players/9/page"])
def test_headers_that_change_nothing(
    contract: Contract, target: str, headers: dict[str, str]
) -> None:
    """What a browser or a proxy may add."""
    contract.get(target, headers=headers, answered_by="fastapi")
