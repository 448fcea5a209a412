"""The fan shop: a URL rule of every kind.

Each standard converter, one of our own, the slash that a URL may end in, and defaults.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, jsonify

blueprint = Blueprint("shop", __name__, url_prefix="/shop")


@blueprint.get("/kits/<slug>")
def kit(slug: str) -> Response:
    """A string: anything but a slash."""
    return jsonify(kit=slug)


@blueprint.get("/kits/<any(home, away, third):kind>/sizes")
def sizes(kind: str) -> Response:
    """One of several words."""
    return jsonify(kind=kind, sizes=["S", "M", "L"])


@blueprint.get("/seats/<int:seat>")
def seat(seat: int) -> Response:
    """An integer."""
    return jsonify(seat=seat, row=seat // 20 + 1)


@blueprint.get("/under/<float:price>")
def under(price: float) -> Response:
    """A float: `9.99`, but not `9`."""
    return jsonify(under=price)


@blueprint.get("/guides/<path:page>")
def guide(page: str) -> Response:
    """A path: slashes too."""
    return jsonify(page=page, depth=page.count("/") + 1)


@blueprint.get("/tickets/<uuid:ticket_id>")
def ticket(ticket_id: UUID) -> Response:
    """A UUID."""
    return jsonify(ticket=ticket_id, version=ticket_id.version)


@blueprint.get("/compare/<ids:player_ids>")
def compare(player_ids: list[int]) -> Response:
    """Our own converter: `1,2,3`."""
    return jsonify(players=player_ids)


@blueprint.get("/news/")
def news() -> Response:
    """Ends in a slash: `/shop/news` is redirected here."""
    return jsonify(news=["Scarves are back"])


@blueprint.get("/contact")
def contact() -> Response:
    """Does not end in a slash: `/shop/contact/` is 404."""
    return jsonify(email="shop@example.com")


@blueprint.get("/faq", strict_slashes=False)
def faq() -> Response:
    """Answers with a slash and without."""
    return jsonify(faq=["Do you ship to the moon? Not yet."])


@blueprint.get("/catalogue/", defaults={"page": 1})
@blueprint.get("/catalogue/page/<int:page>")
def catalogue(page: int) -> Response:
    """Page 1 has one URL only: `/shop/catalogue/page/1` is redirected to `/shop/catalogue/`."""
    first = (page - 1) * 10 + 1
    return jsonify(page=page, items=list(range(first, first + 10)))
