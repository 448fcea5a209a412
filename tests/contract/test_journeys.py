"""Several requests in a row, as clients send them."""

from __future__ import annotations

from crossfade.contract.run.client import Contract
from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD


def test_a_todo_from_beginning_to_end(contract: Contract) -> None:
    """Created, changed, listed, deleted: each side goes on from what it left itself."""
    with contract.sequence():
        created = contract.post("/todos", json={"title": "Paint the goal"})
        number = created.json()["todo"]["id"]
        contract.put(f"/todos/{number}", json={"done": True})
        assert number in [todo["id"] for todo in contract.get("/todos?done=true").json()]
        contract.delete(f"/todos/{number}")
        assert contract.put(f"/todos/{number}", json={"done": True}).status_code == 404
        contract.post("/todos", json={"title": "Again"})


def test_a_user_cannot_register_twice(contract: Contract) -> None:
    """The second time is a conflict, on both sides and with the same words."""
    user = {"name": "Bo", "email": "bo@example.com"}
    with contract.sequence():
        assert contract.post("/users", json=user).status_code == 201
        assert contract.post("/users", json=user).status_code == 409


def test_a_call_leaves_nothing_behind(contract: Contract) -> None:
    """Outside a sequence each call starts from the seeded state."""
    first = contract.post("/teams", json={"name": "Twice"})
    assert contract.post("/teams", json={"name": "Twice"}).content == first.content


def test_a_member_from_login_to_logout(contract: Contract) -> None:
    """Each side opens a session, shows what is for members, and ends it."""
    login = {"email": DEMO_EMAIL, "password": DEMO_PASSWORD, "remember": "on"}
    contract.get("/members/dues")
    contract.post("/login?next=/members/dues", data=login)
    contract.get("/users/1")
    assert contract.get("/me").json()["email"] == DEMO_EMAIL
    assert contract.get("/members/dues").status_code == 200
    assert contract.get("/members/card").status_code == 200
    contract.post("/logout")
    assert contract.get("/me").status_code == 401
