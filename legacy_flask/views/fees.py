"""Referees' fees, documented by Flasgger."""

from __future__ import annotations

from typing import Any

from flasgger import swag_from  # type: ignore[import-untyped]
from flask import Blueprint, Response, abort, jsonify, request

blueprint = Blueprint("fees", __name__, url_prefix="/fees")

FEES = {1: 15, 2: 25, 3: 40, 4: 80, 5: 200}

CLAIM: dict[str, Any] = {
    "tags": ["fees"],
    "summary": "Claim the fees of some matches",
    "parameters": [
        {
            "name": "body",
            "in": "body",
            "required": True,
            "schema": {
                "id": "Claim",
                "type": "object",
                "required": ["level", "matches"],
                "properties": {
                    "level": {"type": "integer", "minimum": 1, "maximum": 5},
                    "matches": {"type": "integer", "minimum": 1, "maximum": 50},
                },
            },
        }
    ],
    "responses": {200: {"description": "What is paid"}, 400: {"description": "What is wrong"}},
}


@blueprint.get("/<int:level>")
def show_fee(level: int) -> Response:
    """Show the fee of a level.

    A match's, in euros.
    ---
    tags: [fees]
    parameters:
      - {name: level, in: path, type: integer, required: true, description: From 1 to 5}
    responses:
      200:
        description: The fee
        schema:
          id: Fee
          type: object
          properties:
            level: {type: integer}
            fee: {type: integer, example: 40}
      404:
        description: No such level
    """
    if level not in FEES:
        abort(404, description=f"There is no level {level}")
    return jsonify(level=level, fee=FEES[level])


@blueprint.post("")
@swag_from(CLAIM, validation=True)  # type: ignore[untyped-decorator]
def claim() -> Response:
    """Claim the fees of some matches."""
    given = request.get_json()
    return jsonify(total=int(FEES[given["level"]] * given["matches"]))
