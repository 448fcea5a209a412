"""A basket that is kept in the session, wherever sessions are kept."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, session

from legacy_flask.validation import JsonObject, is_integer, json_object

blueprint = Blueprint("basket", __name__, url_prefix="/basket")

KITS = ("shirt", "shorts", "socks")


def new_item() -> JsonObject:
    """Return what to put into the basket, and whether to remember it past this visit."""
    data = json_object()
    kit, count, keep = data.get("kit"), data.get("count", 1), data.get("keep", False)
    if kit not in KITS:
        abort(400, description="kit must be one of shirt, shorts, socks")
    if not is_integer(count) or not 1 <= count <= 99:
        abort(400, description="count must be a number from 1 to 99")
    if not isinstance(keep, bool):
        abort(400, description="keep must be true or false")
    return {"kit": kit, "count": count, "keep": keep}


def basket_json() -> JsonObject:
    """Return what the API shows of the basket."""
    return {"items": session.get("basket", {}), "kept": session.permanent}


@blueprint.get("")
def show_basket() -> Response:
    """Return the basket."""
    return jsonify(basket_json())


@blueprint.get("/size")
def basket_size() -> Response:
    """Return how many things are in the basket."""
    return jsonify(size=sum(session.get("basket", {}).values()))


@blueprint.post("")
def fill_basket() -> tuple[Response, int]:
    """Put something into the basket."""
    item = new_item()
    basket = session.setdefault("basket", {})
    basket[item["kit"]] = basket.get(item["kit"], 0) + item["count"]
    session.modified = True  # a session does not see what changes inside of its values
    if item["keep"]:
        session.permanent = True
    return jsonify(basket_json()), 201


@blueprint.delete("")
def empty_basket() -> tuple[str, int]:
    """Forget everything that the session knows, a login included."""
    session.clear()
    return "", 204
