"""What goes in and out. Requests are checked as Flask's hand-written validation did.

A request model validates field by field, in the order of the fields; `problems` has the text that
a client gets for the first that is wrong.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from new_fastapi.compat.requests import RequestModel
from new_fastapi.compat.responses import HttpDate, HttpDateTime

# --- fields of requests ---------------------------------------------------------------------------
# Plain validators see what JSON said: pydantic's own `str` refuses half of a surrogate pair, which
# Flask let through to the database.


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not a string with something in it")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value


def _email(value: object) -> str:
    if "@" not in _string(value):
        raise ValueError("no @")
    return _string(value)


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not an integer")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def _day(value: object) -> date:
    return date.fromisoformat(_string(value))


Text = Annotated[str, PlainValidator(_text, json_schema_input_type=str)]
String = Annotated[str, PlainValidator(_string, json_schema_input_type=str)]
Email = Annotated[str, PlainValidator(_email, json_schema_input_type=str)]
Integer = Annotated[int, PlainValidator(_integer, json_schema_input_type=int)]
Boolean = Annotated[bool, PlainValidator(_boolean, json_schema_input_type=bool)]
Day = Annotated[date, PlainValidator(_day, json_schema_input_type=date)]


class NewUser(RequestModel):
    """The body of `POST /users`."""

    problems: ClassVar[dict[str, str]] = {
        "name": "name is required and must be a string",
        "email": "email is required and must contain an @",
        "age": "age must be an integer",
    }

    name: Text
    email: Email
    age: Integer | None = None


class NewTeam(RequestModel):
    """The body of `POST /teams`."""

    problems: ClassVar[dict[str, str]] = {
        "name": "name is required and must be a string",
        "city": "city must be a string",
        "founded": "founded must be a year",
    }

    name: Text
    city: String | None = None
    founded: Integer | None = None


class NewEntry(RequestModel):
    """The body of `POST /guestbook/entries`."""

    problems: ClassVar[dict[str, str]] = {
        "author": "author is required and has at most 40 characters",
        "message": "message is required and has at most 200 characters",
    }

    author: Annotated[Text, Field(max_length=40)]
    message: Annotated[Text, Field(max_length=200)]


class NewTodo(RequestModel):
    """The body of `POST /todos`."""

    problems: ClassVar[dict[str, str]] = {
        "title": "title is required and must be a string",
        "done": "done must be true or false",
        "due": "due must be a date like 2026-05-31",
    }

    title: Text
    done: Boolean = False
    due: Day | None = None


class TodoChanges(RequestModel):
    """The body of `PUT /todos/{todo_id}`: the fields to change."""

    problems: ClassVar[dict[str, str]] = NewTodo.problems

    title: Text = ""
    done: Boolean = False
    due: Day | None = None


class LoginForm(BaseModel):
    """The body of `POST /login`, as JSON or as a form; read by hand, shown in the documentation."""

    email: str = Field(examples=["ada@example.com"])
    password: str = Field(examples=["engine-no-1"])
    remember: bool = False


# --- answers --------------------------------------------------------------------------------------


class Answer(BaseModel):
    """An answer, made from a row of the database or from plain data."""

    model_config = ConfigDict(from_attributes=True)


class Error(Answer):
    """What every error looks like."""

    error: str


class Greeting(Answer):
    """The answer of `GET /hello`."""

    message: str


class UserOut(Answer):
    """A user."""

    id: int
    name: str
    email: str
    age: int | None


class LoggedInAs(Answer):
    """The answer of `POST /login` to JSON."""

    status: Literal["logged in"]
    user: UserOut


class AccessToken(Answer):
    """The answer of `POST /fan-api/refresh`."""

    access_token: str
    token_type: Literal["bearer"]


class Tokens(AccessToken):
    """The answer of `POST /fan-api/token`."""

    refresh_token: str


class Profile(Answer):
    """Whose token it is."""

    id: int
    name: str
    role: Literal["member", "treasurer"]


class UserList(Answer):
    """A page of users, and how many there are."""

    users: list[UserOut]
    total: int


class UserCreated(Answer):
    """The answer of `POST /users`."""

    status: Literal["created"] = "created"
    user: UserOut


class TeamOut(Answer):
    """A team."""

    id: int
    name: str
    city: str | None
    founded: int | None


class TeamList(Answer):
    """Every team."""

    teams: list[TeamOut]


class TeamCreated(Answer):
    """The answer of `POST /teams`."""

    status: Literal["created"] = "created"
    team: TeamOut


class PlayerOut(Answer):
    """A player with their team."""

    id: int
    name: str
    jersey_number: int
    height_m: float
    born: HttpDate
    team: TeamOut | None


class EntryOut(Answer):
    """An entry of the guestbook."""

    id: int
    author: str
    message: str


class EntryCreated(Answer):
    """The answer of `POST /guestbook/entries`."""

    status: Literal["created"] = "created"
    entry: EntryOut


class TodoOut(Answer):
    """A todo."""

    id: int
    title: str
    done: bool
    due: HttpDate | None


class TodoCreated(Answer):
    """The answer of `POST /todos`."""

    status: Literal["created"] = "created"
    todo: TodoOut


class TodoUpdated(Answer):
    """The answer of `PUT /todos/{todo_id}`."""

    status: Literal["updated"] = "updated"
    todo: TodoOut


class Result(Answer):
    """One match."""

    home: str
    away: str
    score: str


class Scores(Answer):
    """What the scores service says."""

    updated: HttpDateTime
    results: list[Result]
    goals_per_match: float


class News(Answer):
    """What the news service says."""

    headline: str
    membership_fee: Decimal
    reporter: str | None


class Dashboard(Answer):
    """Scores and news."""

    scores: Scores
    news: News


class Kit(Answer):
    """A kit."""

    kit: str


class Sizes(Answer):
    """The sizes of a kind of kit."""

    kind: str
    sizes: list[str]


class Seat(Answer):
    """A seat and its row."""

    seat: int
    row: int


class Under(Answer):
    """A price limit."""

    under: float


class Guide(Answer):
    """A page of the guides, and how deep it lies."""

    page: str
    depth: int


class Ticket(Answer):
    """A ticket."""

    ticket: UUID
    version: int | None


class Comparison(Answer):
    """Players to compare."""

    players: list[int]


class ShopNews(Answer):
    """What is new in the shop."""

    news: list[str]


class Contact(Answer):
    """How to reach the shop."""

    email: str


class Questions(Answer):
    """Frequent questions."""

    faq: list[str]


class Catalogue(Answer):
    """A page of the catalogue."""

    page: int
    items: list[int]
