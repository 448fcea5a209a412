"""JSON without its secrets. Whatever is none stays as it was sent: blanks, order, members twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from crossfade.contract.recording.secrets.cleaning import REDACTED, Cleaner, UnreadableError
from crossfade.contract.recording.secrets.names import beside
from crossfade.contract.recording.secrets.values import is_card

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_MOST_NESTED: Final = 200


@dataclass(slots=True)
class _Node:
    """A value of a document.

    Attributes:
        start: where it begins in the text.
        end: where it ends.
        scalar: its text, if it is no object and no list.
        members: of an object, each with its name's node; of a list, with None.
    """

    start: int
    end: int = 0
    scalar: str = ""
    members: list[tuple[_Node | None, _Node]] = field(default_factory=list)
    is_object: bool = False

    @property
    def text(self) -> str:
        """What a scalar says, a string without its quotes."""
        if not self.scalar.startswith('"'):
            return self.scalar
        found: str = json.loads(self.scalar, strict=False)
        return found


def clean_json(text: str, cleaner: Cleaner, depth: int = 0, *, secret: bool = False) -> str | None:
    """Return a document without its secrets; None where the text is no JSON.

    Raises:
        UnreadableError: it is nested too deeply.
    """
    try:
        json.loads(text, strict=False)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except ValueError:
        return None
    edits: list[tuple[int, int, str]] = []
    _Walk(cleaner, depth, edits.append).value(_parsed(text), "", secret, 0)
    parts, at = [], 0
    for start, end, other in edits:
        parts += [text[at:start], other]
        at = end
    return "".join([*parts, text[at:]])


def clean_lines(text: str, cleaner: Cleaner) -> str | None:
    """Return JSON texts, one a line (ndjson, JSON text sequences); None where it is another form.

    Raises:
        UnreadableError: one is nested too deeply.
    """
    lines = text.split("\n")
    if sum(bool(line.strip(" \t\r\x1e")) for line in lines) < 2:
        return None
    clean = []
    for line in lines:
        plain = line.strip(" \t\r\x1e")
        other = clean_json(plain, cleaner) if plain else plain
        if other is None:
            return None
        clean.append(line.replace(plain, other) if plain else line)
    return "\n".join(clean)


def _parsed(text: str) -> _Node:
    """The document's values with their places; the text is known to be JSON."""
    top = _Node(0)
    stack = [top]
    names: list[_Node | None] = [None]
    for token in _TOKEN.finditer(text.removeprefix("\ufeff")):
        start, mark = token.start(), token[0]
        if mark in "}]":
            stack.pop().end = token.end()
            names.pop()
        elif mark == ":":
            holder = stack[-1]
            names[-1] = holder.members.pop()[1]
        elif mark != ",":
            node = _Node(start, token.end(), "" if mark in "{[" else mark, is_object=mark == "{")
            stack[-1].members.append((names[-1], node))
            names[-1] = None
            if mark in "{[":
                stack.append(node)
                names.append(None)
    return top.members[0][1]


@dataclass(frozen=True, slots=True)
class _Walk:
    cleaner: Cleaner
    depth: int
    edit: Callable[[tuple[int, int, str]], Any]

    def value(self, node: _Node, name: str, secret: bool, nested: int) -> None:
        if nested > _MOST_NESTED:
            raise UnreadableError("it is nested too deeply")
        if node.scalar:
            self._scalar(node, name, secret)
        elif node.is_object:
            self._object(node, secret, nested)
        else:
            self._list(node, name, secret, nested)

    def _object(self, node: _Node, secret: bool, nested: int) -> None:
        named = [(key.text, value) for key, value in node.members if key is not None]
        plain = [(name, value.text if value.scalar else "") for name, value in named]
        near, labelled = beside(plain), self.cleaner.labelled(plain)
        of_variables = replace(self, cleaner=self.cleaner.of_variables(plain))
        for (key, value), (name, _) in zip(node.members, named, strict=True):
            own = self.cleaner.is_secret(name, near) or (
                labelled and self.cleaner.names.is_content(name)
            )
            title = self.cleaner.forms(name)
            if title != name and key is not None:
                self.edit((key.start, key.end, _string(title)))
            walk = of_variables if name == "variables" else self
            walk.value(value, name, secret or own, nested + 1)

    def _list(self, node: _Node, name: str, secret: bool, nested: int) -> None:
        values = [value for _, value in node.members]
        is_pair = len(values) == 2 and all(value.scalar for value in values)
        named = (
            is_pair and values[0].scalar.startswith('"') and self.cleaner.is_secret(values[0].text)
        )
        for number, value in enumerate(values):  # of ["password", "…"] the second is secret
            self.value(value, name, secret or (named and number == 1), nested + 1)

    def _scalar(self, node: _Node, name: str, secret: bool) -> None:
        if node.scalar in ("true", "false", "null"):
            return
        text = node.text
        if node.scalar.startswith('"'):
            clean = self.cleaner.value(text, name, secret, self.depth)
            if clean != text:
                self.edit((node.start, node.end, _string(clean)))
            return
        kept = self.cleaner.names.is_kept(name)
        clean = self.cleaner.stand_in(text, name, secret or (is_card(text) and not kept))
        if clean != text:
            self.edit((node.start, node.end, "0" if clean == REDACTED else clean))


def _string(text: str) -> str:
    """A string of JSON; half of a pair of UTF-16 stays an escape, as no encoding has it."""
    halves = any("\ud800" <= char <= "\udfff" for char in text)
    return json.dumps(text, ensure_ascii=halves)
