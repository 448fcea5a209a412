"""Hand-written validation of JSON bodies. Each mistake has its own 400 text."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import abort, request

JsonObject = dict[str, Any]


def json_object() -> JsonObject:
    """Return the request's JSON object; anything else is answered 400 or 415."""
    data = request.get_json()
    if not data:
        abort(400, description="Request body is required")
    if not isinstance(data, dict):
        abort(400, description="Request body must be a JSON object")
    return data


def new_user() -> JsonObject:
    """Return the fields of the user to create."""
    data = json_object()
    name, email, age = data.get("name"), data.get("email"), data.get("age")
    if not is_text(name):
        abort(400, description="name is required and must be a string")
    if not isinstance(email, str) or "@" not in email:
        abort(400, description="email is required and must contain an @")
    if age is not None and not is_integer(age):
        abort(400, description="age must be an integer")
    return {"name": name, "email": email, "age": age}


def new_team() -> JsonObject:
    """Return the fields of the team to create."""
    data = json_object()
    name, city, founded = data.get("name"), data.get("city"), data.get("founded")
    if not is_text(name):
        abort(400, description="name is required and must be a string")
    if city is not None and not isinstance(city, str):
        abort(400, description="city must be a string")
    if founded is not None and not is_integer(founded):
        abort(400, description="founded must be a year")
    return {"name": name, "city": city, "founded": founded}


def new_todo() -> JsonObject:
    """Return the fields of the todo to create."""
    changes = todo_changes({"title": None, **json_object()})
    return {"done": False, "due": None, **changes}


def todo_changes(data: JsonObject) -> JsonObject:
    """Return the fields to change: those that `data` has, each validated."""
    changes: JsonObject = {}
    if "title" in data:
        if not is_text(data["title"]):
            abort(400, description="title is required and must be a string")
        changes["title"] = data["title"]
    if "done" in data:
        if not isinstance(data["done"], bool):
            abort(400, description="done must be true or false")
        changes["done"] = data["done"]
    if "due" in data:
        changes["due"] = due_date(data["due"])
    return changes


def new_entry() -> JsonObject:
    """Return the fields of the guestbook's new entry."""
    data = json_object()
    author, message = data.get("author"), data.get("message")
    if not is_text(author) or len(str(author)) > 40:
        abort(400, description="author is required and has at most 40 characters")
    if not is_text(message) or len(str(message)) > 200:
        abort(400, description="message is required and has at most 200 characters")
    return {"author": author, "message": message}


def due_date(value: object) -> date | None:
    """Return the day that `value` names; null is no day."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        abort(400, description="due must be a date like 2026-05-31")


def is_text(value: object) -> bool:
    """Tell whether `value` is a string with something in it."""
    return isinstance(value, str) and bool(value.strip())


def is_integer(value: object) -> bool:
    """Tell whether `value` is an integer; to Python, `true` is one too."""
    return isinstance(value, int) and not isinstance(value, bool)
