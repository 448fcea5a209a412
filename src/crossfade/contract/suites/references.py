"""Which values of a test's requests come from answers that it got before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from crossfade.contract.cases.references import Save, body_text, leaves
from crossfade.contract.recording.secrets.names import Kind, Names
from crossfade.messages.exchange import Response

_LONG: Final = 8  # characters; a shorter value is elsewhere by chance
_SHORTEST_SECRET: Final = 4
_CONTEXTS: Final = (24, 48, 96, 200)  # characters before a value that tell where it is
_MOST_BODY: Final = 512 * 1024
_MOST_LEAVES: Final = 5_000
_NOT_GIVEN: Final = frozenset(("date", "content-length", "server", "content-type", "set-cookie"))
_NUMBERED: Final = re.compile(r"\W(?:id|ID|\w+_id|\w+Id|pk|uuid|slug|number|no|nr|key)$")


@dataclass(slots=True)
class Answer:
    """An answer of the application, as the test sees it.

    Attributes:
        method: of the request.
        status: the status code.
        headers: every header line, names in lower case.
        chunks: of the body; filled while the test reads it.
        saves: what later requests take from it.
    """

    method: str
    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: list[bytes] = field(default_factory=list)
    saves: list[Save] = field(default_factory=list)
    _size: int = 0
    _places: tuple[int, list[tuple[str, str]]] = (-1, [])

    def take(self, chunk: bytes) -> None:
        """Take a part of the body; one that is far too long gives no values."""
        self._size += len(chunk)
        if self._size <= _MOST_BODY:
            self.chunks.append(chunk)
        else:
            self.chunks.clear()

    def places(self) -> list[tuple[str, str]]:
        """Every place of the answer so far with its text, the plainest first."""
        if self._places[0] != self._size:
            self._places = (self._size, list(_places(self.response)))
        return self._places[1]

    @property
    def response(self) -> Response:
        """The answer so far."""
        return Response(self.status, self.headers, b"".join(self.chunks))

    @property
    def created(self) -> bool:
        """Whether something may have got its number here."""
        return self.method not in ("GET", "HEAD", "OPTIONS") and self.status < 400


class Referrer:
    """Finds the answer that gave a value, and the words for its place.

    Args:
        known: tells values that stand in the project: no answer need give them.
    """

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known
        self._names = Names()
        self._answers: list[Answer] = []
        self.values: dict[str, str] = {}
        """What was recorded for each name."""

    def add(self, answer: Answer) -> None:
        """Remember an answer whose request was kept."""
        self._answers.append(answer)

    def refer(self, value: str, name: str, secret: bool) -> str | None:
        """Return what stands for a value; None where no answer gave it.

        Args:
            value: of a request.
            name: by which it goes there; `<name>` is a variable of the path.
            secret: whether it would be redacted.
        """
        known = next((key for key, text in self.values.items() if text == value), None)
        if known is not None and (secret or len(value) >= _LONG or self._is_number(name)):
            return f"{{{{{known}}}}}"
        for answer in reversed(self._answers):
            save = self._found(answer, value, name, secret)
            if save is not None:
                answer.saves.append(save)
                self.values[save.name] = value
                return f"{{{{{save.name}}}}}"
        return None

    def _is_number(self, name: str) -> bool:
        return name.startswith("<") or self._names.kind(name) is Kind.IDENTIFIER

    def _found(self, answer: Answer, value: str, name: str, secret: bool) -> Save | None:
        long = len(value) >= _LONG and (secret or not self._known(value))
        exact = long or (secret and len(value) >= _SHORTEST_SECRET)
        numbered = self._is_number(name) and answer.created
        if not (exact or numbered):
            return None
        for place, text in answer.places():
            if value not in text:
                continue
            label = self._label(place, name)
            if text == value and (exact or (numbered and _NUMBERED.search(place))):
                return Save(label, place)
            if long or (numbered and place == "header.location"):
                save = _part(Save(label, place), text, value, answer.response)
                if save is not None:
                    return save
        return None

    def _label(self, place: str, name: str) -> str:
        """A name for a value: that of its place, or of where it goes."""
        last = re.findall(r"\w+", place.partition(".")[2])
        text = last[-1] if last and not place.startswith("header.") else ""
        text = text if text and not text.isdigit() else name
        plain = re.sub(r"\W+", "_", text).strip("_").lower() or "value"
        plain = plain if not plain[0].isdigit() else f"value_{plain}"
        number, label = 1, plain
        while label in self.values:
            number += 1
            label = f"{plain}_{number}"
        return label


def _places(response: Response) -> Iterator[tuple[str, str]]:
    """Yield every place of an answer with its text, the plainest first."""
    text = body_text(response)
    document: list[tuple[str, str]] = []
    try:
        for number, leaf in enumerate(leaves(json.loads(text))):
            if number >= _MOST_LEAVES:
                break
            document.append(leaf)
    except (ValueError, RecursionError):
        pass
    yield from document
    yield from ((f"cookie.{each.name}", each.value) for each in response.cookies)
    headers = [(n, v) for n, v in response.headers if n not in _NOT_GIVEN and ":" not in n]
    yield from ((f"header.{name}", value) for name, value in headers)
    if text and not document:
        yield "body", text


def _part(save: Save, text: str, value: str, response: Response) -> Save | None:
    """The save with the words around a value; None where they don't lead to it."""
    start = text.find(value)
    if save.place == "header.location":
        return _of_url(save, text, value, response)
    end = start + len(value)
    for length in _CONTEXTS:
        before = _word_start(text, max(0, start - length), start).rpartition("{}")[2]
        found = Save(save.name, save.place, before, text[end : end + 1])
        if (found.before or found.after) and found.value(response) == value:
            return found
    return None


def _word_start(text: str, start: int, end: int) -> str:
    """What stands before a value, from the beginning of a word on."""
    while start > 0 and end - start < _CONTEXTS[-1] and not text[start - 1].isspace():
        start -= 1
    return text[start:end]


def _of_url(save: Save, text: str, value: str, response: Response) -> Save | None:
    """A part of a URL between its delimiters, whatever its host."""
    url = urlsplit(text)
    path = text[text.find(url.path, len(url.netloc)) :] if url.path else text
    found = re.search(rf"(?<![^/?=&#]){re.escape(value)}(?![^/?&#])", path)
    if found is None:
        return None
    part = Save(save.name, save.place, path[: found.start()], path[found.end() : found.end() + 1])
    return part if part.value(response) == value else None
