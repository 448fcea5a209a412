"""Could this comparison have failed? Broken copies of a response that it has to notice.

Pure: no request is sent. From one pair that passed, mutants of the native response are made, each
different in one way that a client could see; the same comparison, with the same rules, is
asked about each. One that it takes for equal lives, and the rule that lets it live is named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from crossfade.messages.compare import PRESENCE_ONLY, Difference, form_difference
from crossfade.messages.exchange import Headers, Response, with_body

MOST_PATHS: Final = 16
"""JSON values that are changed in one response."""

_BUDGET: Final = 16 * 1024  # bytes of body that the comparisons of one exchange may read
_LARGE: Final = 64 * 1024  # bytes past which a body's shape is its content

Compare = Callable[[Response, Response], Iterable[Difference]]
"""Every difference of two responses, rules not asked."""

Explain = Callable[[Difference, Response], str | None]
"""The rule by which a difference from a native response does not count, in words; None: it does."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken response.

    Attributes:
        name: what was broken, in the words of the map's `ignore`: `body.users changed`.
        response: the native response with it.
    """

    name: str
    response: Response


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that the comparison took for equal.

    Attributes:
        mutant: its name.
        rule: what lets it live; "" where nothing says why: the contract can't fail there.
    """

    mutant: str
    rule: str


@dataclass(frozen=True, slots=True)
class Strength:
    """How many mutants a comparison killed."""

    mutants: int
    survivors: tuple[Survivor, ...] = ()

    @property
    def killed(self) -> int:
        """How many were noticed."""
        return self.mutants - len(self.survivors)

    @property
    def unexplained(self) -> tuple[Survivor, ...]:
        """The survivors that no rule accounts for."""
        return tuple(each for each in self.survivors if not each.rule)


def no_rules(difference: Difference, native: Response) -> str | None:
    """Return None: every difference counts."""
    return None


def strength(
    legacy: Response, native: Response, compare: Compare, explain: Explain = no_rules
) -> Strength:
    """Try every mutant of a native response that passed.

    Args:
        legacy: Flask's response.
        native: FastAPI's, which the rules take for equal.
        compare: what found no difference that counts.
        explain: the rules.
    """
    survivors = []
    count = 0
    noise = set(compare(legacy, native))  # differs already, and a rule says that it may
    form = form_difference(legacy, native)
    for mutant in mutants(native):
        count += 1
        found = set(compare(legacy, mutant.response))
        shown = found - noise or noise - found
        reasons = [explain(difference, mutant.response) for difference in shown]
        if not shown:  # values that may differ hide the form of the body, which counts all the same
            reasons = [explain(difference, native) or "" for difference in noise]
            hidden = form_difference(legacy, mutant.response) if any(reasons) else None
            if hidden is not None and hidden != form:
                reasons = [explain(hidden, mutant.response)]
        if all(reason is not None for reason in reasons):
            words = sorted({reason for reason in reasons if reason})
            survivors.append(Survivor(mutant.name, ", ".join(words)))
    return Strength(count, tuple(survivors))


class Memory:
    """Tries the mutants of each shape of response once: of 60 wrong inputs most look alike."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Strength] = {}

    def strength(
        self,
        about: tuple[str, ...],
        legacy: Response,
        native: Response,
        compare: Compare,
        explain: Explain = no_rules,
    ) -> tuple[str, Strength]:
        """Return a name of the response's shape, and the strength of its comparison.

        Args:
            about: the route, and whatever else the rules depend on.
            legacy: Flask's response.
            native: FastAPI's.
            compare: as for `strength`.
            explain: as for `strength`.
        """
        seen = shape(native)
        key = (*about, seen)
        if key not in self._known:
            self._known[key] = strength(legacy, native, compare, explain)
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:12], self._known[key]


def shape(response: Response) -> tuple[object, ...]:
    """What the mutants of a response depend on: all of it but the values."""
    headers = tuple(
        (name, tuple(part.partition("=")[0].strip().lower() for part in value.split(";")))
        if name in ("set-cookie", "content-type")
        else (name, value.isdigit())
        for name, value in response.headers
    )
    return response.status, headers, _body_shape(response)


def _body_shape(response: Response) -> object:
    body = response.body
    if len(body) > _LARGE:
        return hashlib.sha256(body).digest()
    if response.media_type.endswith("json"):
        with suppress(ValueError, RecursionError):
            return body.rstrip() == body, _skeleton(json.loads(body))
    return bool(body)


def _skeleton(value: Any) -> object:
    if isinstance(value, dict):
        return tuple((key, _skeleton(each)) for key, each in value.items())
    if isinstance(value, list):
        items = [_skeleton(each) for each in value]
        return len(items), len(items) > 1 and value != value[::-1], tuple(dict.fromkeys(items))
    return type(value).__name__


def mutants(response: Response) -> Iterator[Mutant]:
    """Every mutant of a response: the same ones, in the same order, each time."""
    yield from _of_status(response)
    yield from _of_headers(response)
    yield from _of_cookies(response)
    yield from _of_body(response)


def _of_status(response: Response) -> Iterator[Mutant]:
    other = 200 if response.status == 201 else 201
    yield Mutant("status changed", replace(response, status=other))
    error = 200 if response.status >= 500 else 500
    yield Mutant("status an error or none", replace(response, status=error))


# --- headers -----------------------------------------------------------------------------------


def _of_headers(response: Response) -> Iterator[Mutant]:
    headers = response.headers
    for index, (name, value) in enumerate(headers):
        if name == "set-cookie":
            continue
        yield Mutant(
            f"header.{name} dropped", _with(response, headers[:index] + headers[index + 1 :])
        )
        if name not in PRESENCE_ONLY:
            yield Mutant(f"header.{name} changed", _set(response, index, _other_text(value)))
        if name == "content-type":
            yield Mutant("header.content-type charset", _set(response, index, _charset(value)))
    added = (*headers, ("x-crossfade-mutant", "1"))
    yield Mutant("header.x-crossfade-mutant added", _with(response, added))


def _with(response: Response, headers: Headers) -> Response:
    return replace(response, headers=tuple(headers))


def _set(response: Response, index: int, value: str) -> Response:
    headers = list(response.headers)
    headers[index] = (headers[index][0], value)
    return _with(response, tuple(headers))


def _charset(value: str) -> str:
    kind, semicolon, _ = value.partition(";")
    return kind if semicolon else f"{value}; charset=iso-8859-15"


def _other_text(value: str) -> str:
    """A value of the same kind that no reader takes for the same."""
    if value.isdigit():
        return str(int(value) + 1)
    return f"{value}-x" if value else "x"


# --- cookies -----------------------------------------------------------------------------------


def _of_cookies(response: Response) -> Iterator[Mutant]:
    for index, (name, line) in enumerate(response.headers):
        if name != "set-cookie":
            continue
        pair, *attributes = [part.strip() for part in line.split(";")]
        cookie, _, value = pair.partition("=")
        where = f"cookie.{cookie}"
        dropped = response.headers[:index] + response.headers[index + 1 :]
        yield Mutant(f"{where} dropped", _with(response, dropped))
        yield Mutant(f"{where} changed", _cookie(response, index, f"{cookie}={value}x", attributes))
        for at, attribute in enumerate(attributes):
            key, equals, text = attribute.partition("=")
            rest = attributes[:at] + attributes[at + 1 :]
            yield Mutant(f"{where}.{key.lower()} dropped", _cookie(response, index, pair, rest))
            if equals:
                changed = [*attributes[:at], f"{key}={_other_text(text)}", *attributes[at + 1 :]]
                yield Mutant(
                    f"{where}.{key.lower()} changed", _cookie(response, index, pair, changed)
                )
        for flag in ("Secure", "HttpOnly", "Partitioned"):
            if flag.lower() not in {attribute.lower() for attribute in attributes}:
                added = _cookie(response, index, pair, [*attributes, flag])
                yield Mutant(f"{where}.{flag.lower()} added", added)
                break


def _cookie(response: Response, index: int, pair: str, attributes: list[str]) -> Response:
    return _set(response, index, "; ".join([pair, *attributes]))


# --- bodies ------------------------------------------------------------------------------------


def _of_body(response: Response) -> Iterator[Mutant]:
    body = response.body
    if not body:
        yield Mutant("body added", replace(response, body=b"x"))
        return
    yield Mutant("body emptied", with_body(response, b""))
    yield Mutant("body cut in half", with_body(response, body[: len(body) // 2]))
    yield Mutant("body with more behind it", with_body(response, body + b" x"))
    yield Mutant("body a byte changed", with_body(response, _flipped(body)))
    yield Mutant("body broken off", replace(response, complete=not response.complete))
    if response.media_type.endswith("json"):
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return
        yield from _of_json(response, value)


def _flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def _of_json(response: Response, value: Any) -> Iterator[Mutant]:
    body = response.body
    blanks = body + b"\n" if body.rstrip() == body else body.rstrip()
    yield Mutant("body whitespace", with_body(response, blanks))
    places = list(_places((), value))
    reordered = next((path for path, at in places if isinstance(at, dict) and len(at) > 1), None)
    if reordered is not None:
        turned = _changed(value, reordered, lambda old: dict(reversed(old.items())))
        yield Mutant(f"{_named(reordered)} key order", _written(response, turned))
    most = max(2, min(MOST_PATHS, _BUDGET // len(body)))
    # As many as may be, evenly spread over the document: its end is as likely to be wrong.
    step = -(-len(places) // most)
    for path, at in places[::step]:
        for name, changed in _broken(at):
            mutant = _changed(value, path, lambda _, new=changed: new)  # type: ignore[misc]
            yield Mutant(f"{_named(path)} {name}", _written(response, mutant))


_Path = tuple[str | int, ...]


def _places(path: _Path, value: Any) -> Iterator[tuple[_Path, Any]]:
    """Every value of a document with its path, the outer ones first."""
    waiting: list[tuple[_Path, Any]] = [(path, value)]
    for at, inner in waiting:  # grows while it is walked: breadth first
        yield at, inner
        if isinstance(inner, dict):
            waiting += [((*at, key), each) for key, each in inner.items()]
        elif isinstance(inner, list):
            waiting += [((*at, index), each) for index, each in enumerate(inner)]


def _broken(value: Any) -> Iterator[tuple[str, Any]]:
    """What one value may wrongly have become."""
    if isinstance(value, dict):
        yield "field added", {**value, "crossfade_mutant": None}
        if value:
            yield "field dropped", dict(list(value.items())[:-1])
    elif isinstance(value, list):
        if value:
            yield "truncated", value[:-1]
        yield "extended", [*value, value[-1] if value else None]
        turned = value[::-1]
        if json.dumps(turned) != json.dumps(value):
            yield "reordered", turned
    elif isinstance(value, bool) or value is None:
        yield "changed", 0 if value is None else not value
    elif isinstance(value, int | float):
        yield "changed", 0 if value != value or value + 1 == value else value + 1
        yield "a string", str(value)
    else:
        yield "changed", f"{value}x"
        yield "null", None


def _changed(document: Any, path: _Path, change: Callable[[Any], Any]) -> Any:
    """A copy of a document with the value at a path replaced; the rest is shared."""
    if not path:
        return change(document)
    copy = document.copy()
    copy[path[0]] = _changed(document[path[0]], path[1:], change)
    return copy


def _written(response: Response, value: Any) -> Response:
    """The response with a document, written as the old one was as far as can be told."""
    plain = response.body.isascii()
    compact = b": " not in response.body
    text = json.dumps(value, ensure_ascii=plain, separators=(",", ":") if compact else (", ", ": "))
    end = response.body[len(response.body.rstrip()) :]
    return with_body(response, text.encode("utf-8", "surrogatepass") + end)


def _named(path: _Path) -> str:
    """A path in the words of the migration map's `ignore`."""
    text = "body"
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            plain = step.isidentifier() and step.isascii()
            text += f".{step}" if plain else f"[{json.dumps(step, ensure_ascii=False)}]"
    return text
