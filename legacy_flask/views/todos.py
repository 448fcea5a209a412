"""The club's todo list."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request
from sqlalchemy import select

from legacy_flask.extensions import db
from legacy_flask.models import Todo
from legacy_flask.validation import JsonObject, json_object, new_todo, todo_changes

blueprint = Blueprint("todos", __name__, url_prefix="/todos")


def todo_json(todo: Todo) -> JsonObject:
    """Return what the API shows of a todo."""
    return {"id": todo.id, "title": todo.title, "done": todo.done, "due": todo.due}


def find_todo(todo_id: int) -> Todo:
    """Return the todo, or answer 404."""
    todo = db.session.get(Todo, todo_id)
    if todo is None:
        abort(404, description=f"Todo {todo_id} not found")
    return todo


@blueprint.get("")
def list_todos() -> Response:
    """Return every todo, or those that are (not) done: `?done=true`, `?done=false`."""
    query = select(Todo).order_by(Todo.id)
    done = request.args.get("done")
    if done is not None:
        query = query.where(Todo.done == (done in {"1", "true", "yes"}))
    return jsonify([todo_json(todo) for todo in db.session.scalars(query)])


@blueprint.post("")
def create_todo() -> tuple[Response, int]:
    """Create a todo."""
    todo = Todo(**new_todo())
    db.session.add(todo)
    db.session.commit()
    return jsonify(status="created", todo=todo_json(todo)), 201


@blueprint.put("/<int:todo_id>")
def update_todo(todo_id: int) -> Response:
    """Change the fields that the body has."""
    todo = find_todo(todo_id)
    changes: JsonObject = todo_changes(json_object())
    for field, value in changes.items():
        setattr(todo, field, value)
    db.session.commit()
    return jsonify(status="updated", todo=todo_json(todo))


@blueprint.delete("/<int:todo_id>")
def delete_todo(todo_id: int) -> tuple[str, int]:
    """Delete a todo."""
    db.session.delete(find_todo(todo_id))
    db.session.commit()
    return "", 204
