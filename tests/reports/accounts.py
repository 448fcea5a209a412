"""Accounts of routes as `findings.account` makes them."""

from __future__ import annotations

from typing import Any


def account(route: str, **more: Any) -> dict[str, Any]:
    """Return a route's account: proven, if not said otherwise."""
    return {
        "route": route,
        "cases": 64,
        "failed": 0,
        "succeeded": 12,
        "flasks": 3,
        "good": [route, 200],
        "unproven": "",
        "findings": [],
        "noise": [],
        "used": {},
        "stale": [],
        "expired": [],
        "remarks": [],
        "seconds": 0.5,
        "strength": [118, 118],
        "blind": [],
        "too_weak": "",
        "slow": "",
        **more,
    }


def cause(code: str, text: str, **more: str) -> dict[str, str]:
    """Return one cause of a finding."""
    return {
        "code": code,
        "title": "What is known",
        "severity": "behaviour",
        "cause": text,
        "evidence": "Flask answers 401, FastAPI 200",
        "fix": "decorated(…) of crossfade.compat",
        "anchor": f"docs/causes.md#{code.lower()}",
        **more,
    }


def finding(what: list[str], **more: Any) -> dict[str, Any]:
    """Return a finding."""
    return {
        "what": what,
        "also": [],
        "places": 1,
        "causes": [],
        "approve": "",
        "expired": [],
        "cases": [["good request", "GET /users/1"]],
        "count": 1,
        "text": "",
        "trace": [],
        **more,
    }


DEVIATION = """\
[[deviations]]
route = "POST /orders"
what = "status"
when = "flask raises KeyError and fastapi 422"
reason = "…\""""

ROUTES = [
    account("GET /hello"),
    account(
        "GET /mine",
        succeeded=0,
        unproven="every answer was an error (4xx): Flask answered GET /mine with 401",
    ),
    account("GET /weak", too_weak="this contract can't fail: GET /weak", strength=[100, 118]),
    account(
        "PUT /ruled",
        stale=["PUT /ruled: body.gone"],
        expired=["PUT /ruled: status when flask 5xx (two is right, until 2020-01-01)"],
        used={"PUT /ruled: body.made_at": 3},
        strength=[110, 118],
        blind=[
            {
                "rule": "PUT /ruled: body.made_at",
                "count": 8,
                "mutants": [f"body.made_at broken {n}" for n in range(8)],
            }
        ],
        noise=["body.id", "header.x-request-id"],
    ),
    account(
        "POST /orders",
        failed=12,
        findings=[
            finding(
                ["status: Flask 500, FastAPI 422"],
                also=["status: Flask 500, FastAPI 400"],
                places=9,
                causes=[cause("XF107", "the Flask view raised: KeyError: 'name'")],
                approve=DEVIATION,
                count=7,
                text="### JSON: {}\nPOST /orders\n\n{}\n",
                trace=["Traceback (most recent call last):", "KeyError: 'name'"],
                cases=[["JSON: {}", "POST /orders"], ["JSON: `null` | <b>", "POST /orders"]],
            ),
            finding(
                ['body.name: Flask "Ada", FastAPI "ada"', "    more"],
                expired=["POST /orders: body.name (nobody looks, until 2020-01-01)"],
                count=5,
            ),
        ],
        slow="POST /orders takes 0.8 s a request; 3 minutes for 120 cases: it hashes passwords",
        remarks=["nothing is reset between the two sides: see the fixture `contract_state`"],
    ),
    account(
        "GET /admin",
        failed=1,
        findings=[
            finding(
                ["status: Flask 401, FastAPI 200"],
                causes=[
                    cause("XF120", "FastAPI served whom Flask refused", severity="security"),
                    cause("XF133", "a condition by which the view looks is missing"),
                ],
            )
        ],
    ),
]
