"""The club's todo list."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Response
from sqlalchemy import select

from legacy_flask.models import Todo
from new_fastapi.compat.openapi import json_body, query
from new_fastapi.compat.responses import no_content
from new_fastapi.dependencies import QueryArgs, Session, body
from new_fastapi.schemas import Error, NewTodo, TodoChanges, TodoCreated, TodoOut, TodoUpdated

router = APIRouter(prefix="/todos", tags=["todos"])


async def find_todo(todo_id: int, session: Session) -> Todo:
    """Return the todo, or answer 404."""
    todo = await session.get(Todo, todo_id)
    if todo is None:
        raise HTTPException(404, f"Todo {todo_id} not found")
    return todo


FoundTodo = Annotated[Todo, Depends(find_todo)]


@router.get("", response_model=list[TodoOut], openapi_extra=query(done="true, or false"))
async def list_todos(args: QueryArgs, session: Session) -> object:
    """Return every todo, or those that are (not) done."""
    query = select(Todo).order_by(Todo.id)
    if "done" in args:
        query = query.where(Todo.done == (args["done"] in {"1", "true", "yes"}))
    todos = await session.scalars(query)
    return todos.all()


@router.post(
    "",
    status_code=201,
    response_model=TodoCreated,
    responses={code: {"model": Error} for code in (400, 413, 415)},
    openapi_extra=json_body(NewTodo),
)
async def create_todo(new: Annotated[NewTodo, Depends(body(NewTodo))], session: Session) -> object:
    """Create a todo."""
    todo = Todo(**new.model_dump())
    session.add(todo)
    await session.commit()
    return {"todo": todo}


@router.put(
    "/{todo_id}",
    response_model=TodoUpdated,
    responses={code: {"model": Error} for code in (400, 404, 413, 415)},
    openapi_extra=json_body(TodoChanges),
)
async def update_todo(
    # Before the body: a todo that is not there is 404, whatever the body.
    todo: FoundTodo,
    changes: Annotated[TodoChanges, Depends(body(TodoChanges))],
    session: Session,
) -> object:
    """Change the fields that the body has."""
    for field, value in changes.model_dump(exclude_unset=True).items():
        setattr(todo, field, value)
    await session.commit()
    return {"todo": todo}


@router.delete("/{todo_id}", status_code=204, responses={404: {"model": Error}})
async def delete_todo(todo: FoundTodo, session: Session) -> Response:
    """Delete a todo."""
    await session.delete(todo)
    await session.commit()
    return no_content()
