"""Requests of a route as Hypothesis draws them from FastAPI's own description of it.

Some are such as the description allows. Others leave it in one part: another type, a value just
past a limit, a member missing or too many. What is simplest shrinks first: no optional part, known
values of URL variables, short texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from crossfade.contract.cases.http_file import Case
from crossfade.contract.generation.operation import FORM, JSON, MULTIPART, RouteFacts, Variable
from crossfade.contract.generation.schema_examples import Schema, is_file
from crossfade.contract.generation.schema_strategies import (
    NOTHING,
    Drawn,
    Fault,
    object_of,
    or_known,
    perhaps,
    record,
    value_of,
    without_null,
)
from crossfade.messages.exchange import Request

ORIGIN: Final = "explored"
"""The origin of a case that was made here."""


_BOUNDARY: Final = "crossfade"
_NOT_OURS: Final = frozenset(
    (
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "transfer-encoding",
    )
)


def sound(facts: RouteFacts, login: str) -> st.SearchStrategy[Case]:
    """Requests such as the description of a route allows, as one person asks them."""
    return _parts(facts, Fault()).map(partial(_case, facts, login))


def faulty(facts: RouteFacts, login: str) -> st.SearchStrategy[Case] | None:
    """Requests that leave it in one part; None where it has none."""
    made: dict[int, Drawn] = {}

    def with_fault(at: int) -> Drawn:
        if at not in made:
            made[at] = _parts(facts, Fault(at)).map(partial(_case, facts, login))
        return made[at]

    count = _counted(facts, Fault()).count
    return st.integers(0, count - 1).flatmap(with_fault) if count else None


def edges(facts: RouteFacts, login: str) -> Iterator[st.SearchStrategy[Case]]:
    """For each limit of a route, the requests that go just past it and are right otherwise."""
    for at in range(_counted(facts, Fault()).count):
        for edge in range(_counted(facts, Fault(at)).edges):
            yield _parts(facts, Fault(at, edge)).map(partial(_case, facts, login))


def _counted(facts: RouteFacts, fault: Fault) -> Fault:
    """Return the fault, which has counted the parts of a request and its edges."""
    _parts(facts, fault)
    return fault


def _parts(facts: RouteFacts, fault: Fault) -> Drawn:
    return st.tuples(
        st.tuples(*(_variable(facts, index, fault) for index in range(len(facts.variables)))),
        record({name: _query(facts, name, schema, fault) for name, schema in facts.query.items()}),
        _named(facts, facts.headers, _header_text, fault),
        _named(facts, facts.cookies, _cookie_text, fault),
        _body(facts, fault),
    )


def _case(facts: RouteFacts, login: str, parts: Sequence[Any]) -> Case:
    path, query, headers, cookies, (kind, content) = parts
    pairs = [(name, text) for name, texts in query.items() for text in texts]
    target = facts.path(path) + (f"?{urlencode(pairs)}" if pairs else "")
    sent = {
        **({"host": facts.host} if facts.host else {}),
        **headers,
        **_cookie_header(cookies),
        **({"content-type": kind} if kind else {}),
    }
    request = Request(facts.method, target.encode(), tuple(sent.items()), content)
    return Case(request, "explored", facts.route, login, origin=ORIGIN)


# --- the parts of a request --------------------------------------------------------------------


def _variable(facts: RouteFacts, index: int, fault: Fault) -> Drawn:
    """Texts of a URL variable: those that stand for something first."""
    variable = facts.variables[index]
    schema = facts.paths[index] if index < len(facts.paths) else {}
    first = fault.count
    drawn = value_of(_as_the_rule_has_it(variable, schema), fault, facts.known)
    texts = drawn.map(_text).filter(_is_segment).map(lambda text: quote(text, safe=""))
    if not variable.values or fault.at == first:
        return texts
    stands = st.sampled_from(variable.values)
    return stands if variable.converter == "any" else st.one_of(stands, texts)


def _as_the_rule_has_it(variable: Variable, schema: Schema) -> Schema:
    """What both sides allow, as far as the rule's converter says it."""
    found = dict(schema)
    if variable.converter == "int":
        limits = variable.arguments[1]
        low = max(int(limits.get("min") or 0), int(found.get("minimum", 0)))
        found |= {"type": "integer", "minimum": low}
        if limits.get("max") is not None and "maximum" not in found:
            found["maximum"] = int(limits["max"])
    elif not found.get("type") and not found.keys() & {"anyOf", "oneOf", "enum", "const"}:
        found["type"] = "number" if variable.converter == "float" else "string"
        if variable.converter == "uuid":
            found["format"] = "uuid"
    return found


def _is_segment(text: str) -> bool:
    return bool(text) and "/" not in text and text not in (".", "..")


def _query(facts: RouteFacts, name: str, schema: Schema, fault: Fault) -> Drawn:
    """What a parameter is given: a text for each time that it stands there."""
    first = fault.count
    one = or_known(facts.known, name, value_of(without_null(schema), fault, facts.known)).map(
        lambda value: [_text(each) for each in (value if isinstance(value, list) else [value])]
    )
    if fault.is_next():
        one = st.tuples(one, one).map(lambda two: [*two[0], *two[1]])
    return perhaps(one, fault, first, required=bool(schema.get("required")))


def _named(
    facts: RouteFacts, named: Mapping[str, Schema], safe: Callable[[str], str], fault: Fault
) -> Drawn:
    """Headers or cookies that the route reads."""
    found: dict[str, Drawn] = {}
    for name, schema in named.items():
        if name not in _NOT_OURS:
            first = fault.count
            value = or_known(facts.known, name, value_of(without_null(schema), fault, facts.known))
            text = value.map(lambda each: NOTHING if each is NOTHING else safe(_text(each)))
            found[name] = perhaps(text, fault, first, required=bool(schema.get("required")))
    return record(found)


def _header_text(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "x", text).strip()


def _cookie_text(text: str) -> str:
    return re.sub(r"[^\w.!*+-]", "x", text, flags=re.ASCII)


def _cookie_header(cookies: Mapping[str, str]) -> dict[str, str]:
    line = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return {"cookie": line} if line else {}


def _body(facts: RouteFacts, fault: Fault) -> Drawn:
    """The body with its content type; both empty where there is none."""
    ways: list[Drawn] = []
    for media, schema in facts.bodies.items():
        if media in (FORM, MULTIPART):
            fields = object_of({**schema, "type": "object"}, fault, facts.known)
            ways.append(fields.map(partial(_as_form if media == FORM else _as_multipart, schema)))
        elif media == JSON or media.endswith("+json"):
            drawn = value_of(schema, fault, facts.known)
            ways.append(drawn.map(partial(_as_json, media)))
    if fault.is_next() or not ways:
        ways.append(st.just(("", b"")))
    return st.one_of(ways)


def _as_json(media: str, value: Any) -> tuple[str, bytes]:
    return media, json.dumps(value, ensure_ascii=False).encode()


def _as_form(schema: Schema, value: Mapping[str, Any]) -> tuple[str, bytes]:
    pairs = [
        (name, _text(each))
        for name, inner in value.items()
        for each in (inner if isinstance(inner, list) else [inner])
    ]
    return FORM, urlencode(pairs).encode()


def _as_multipart(schema: Schema, value: Mapping[str, Any]) -> tuple[str, bytes]:
    body = b""
    for name, inner in value.items():
        shown = f'Content-Disposition: form-data; name="{name}"'
        if is_file(schema.get("properties", {}).get(name, {})):
            shown += '; filename="a.txt"\r\nContent-Type: text/plain'
        body += f"--{_BOUNDARY}\r\n{shown}\r\n\r\n{_text(inner)}\r\n".encode()
    return f"{MULTIPART}; boundary={_BOUNDARY}", body + f"--{_BOUNDARY}--\r\n".encode()


def _text(value: Any) -> str:
    """A value as it stands in a URL, a header or a form."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
