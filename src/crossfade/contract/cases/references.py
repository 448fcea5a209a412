r"""What a case takes from an answer that an earlier one of its sequence got. Pure.

    ### a login
    # @sequence tests/test_api.py::test_me
    # @save token = body.access_token
    POST /login
    …

    ### who is it
    # @sequence tests/test_api.py::test_me
    GET /me
    authorization: Bearer {{token}}

`# @save NAME = PLACE` names a value of the answer; in later cases of the sequence `{{NAME}}` stands
for it, for each side for its own. A place is `body.items[0].id` of JSON, `header.location`,
`cookie.csrf_token`, or one of them (`body` alone is the text of any body) with a part of its text,
where `{}` is the value: `header.location: /items/{}`, `body: name="csrf_token" value="{}"`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, quote_plus

from crossfade.messages.codings import decoded
from crossfade.messages.exchange import Request, Response

_SAVE: Final = re.compile(
    r"(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<place>(?:header|cookie)\.[^\s:]+|body(?:\.[\w$-]+"
    r'|\[\d+\]|\["(?:[^"\\]|\\.)*"\])*)(?:\s*:\s?(?P<before>.*?)\{\}(?P<after>.*))?'
)
_STEP: Final = re.compile(r'\.([\w$-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]')
_ESCAPED: Final = re.compile(r"\\(?:([\\nrt])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_CODES: Final = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_NO_BLANK: Final = re.compile(r"^ | $|(?<= ) ")
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Save:
    """A value of an answer that later cases refer to.

    Attributes:
        name: by which they do.
        place: `body.access_token`, `header.location`, `cookie.csrf_token`, `body`.
        before: what stands before the value in the place's text.
        after: what stands after it; with both empty the value is all of the text.
    """

    name: str
    place: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        part = f"{_escaped(self.before)}{{}}{_escaped(self.after)}"
        return f"{self.name} = {self.place}" + (f": {part}" if part != "{}" else "")

    def value(self, answer: Response) -> str | None:
        """Return the value that an answer has; None where it has none there."""
        text = _at(answer, self.place)
        if text is None or not (self.before or self.after):
            return text
        start = text.find(self.before)
        if start < 0:
            return None
        start += len(self.before)
        end = text.find(self.after, start) if self.after else len(text)
        return text[start:end] if end >= start else None


def parse_save(text: str) -> Save | None:
    """Return what a line `# @save …` says; None where it can't be understood."""
    found = _SAVE.fullmatch(text)
    if found is None:
        return None
    before, after = (_unescaped(found[part] or "") for part in ("before", "after"))
    return Save(found["name"], found["place"], before, after)


def _escaped(text: str) -> str:
    """A text in one line, whose blanks an editor leaves alone."""
    shown = "".join(
        char if char.isprintable() and char != "\\" else ascii(char)[1:-1] for char in text
    )
    return _NO_BLANK.sub(r"\\x20", shown)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(
        lambda found: (
            _CODES[found[1]] if found[1] else chr(int(found[2] or found[3] or found[4], 16))
        ),
        text,
    )


# --- in answers ----------------------------------------------------------------------------------


def _at(answer: Response, place: str) -> str | None:
    kind, _, name = place.partition(".")
    if kind == "header":
        return next(iter(answer.values(name.lower())), None)
    if kind == "cookie":
        return next((cookie.value for cookie in answer.cookies if cookie.name == name), None)
    if place == "body":
        return body_text(answer)
    try:
        found: Any = json.loads(body_text(answer))
        for name, index, quoted in _STEP.findall(place.removeprefix("body")):
            found = found[int(index)] if index else found[json.loads(quoted) if quoted else name]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return _scalar(found)


def body_text(answer: Response) -> str:
    """The body as text; what is binary in it is lost."""
    return decoded(answer).body.decode("utf-8", "replace")


def _scalar(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    return None


def leaves(value: object, place: str = "body") -> Iterator[tuple[str, str]]:
    """Yield the place and text of each value of a JSON document."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            plain = re.fullmatch(r"[\w$-]+", key)
            yield from leaves(inner, f"{place}.{key}" if plain else f"{place}[{json.dumps(key)}]")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{place}[{index}]")
    else:
        text = _scalar(value)
        if text:
            yield place, text


# --- in requests ---------------------------------------------------------------------------------

_REFERENCE: Final = re.compile(r"\{\{([A-Za-z_]\w*)\}\}")


def references(request: Request, names: Iterable[str]) -> set[str]:
    """Which of these names a request refers to."""
    parts = [request.target.decode("latin-1"), request.body.decode("latin-1")]
    text = "\n".join([*parts, *(value for _, value in request.headers)])
    return set(_REFERENCE.findall(text)).intersection(names)


def filled(request: Request, values: Mapping[str, str]) -> Request:
    """Return a request with values in the place of what refers to them, each written as there."""
    kind = next(iter(request.values("content-type")), "").partition(";")[0].strip().lower()
    body = request.body
    if body:
        in_body = quote_plus if kind == FORM else _json if "json" in kind else str
        text = _replaced(body.decode("utf-8", "surrogateescape"), values, in_body)
        body = text.encode("utf-8", "surrogateescape")
    headers = tuple((name, _replaced(value, values, _latin)) for name, value in request.headers)
    if len(body) != len(request.body):
        length = str(len(body))
        headers = tuple((n, length if n == "content-length" else v) for n, v in headers)
    target = _replaced(request.target.decode("latin-1"), values, lambda text: quote(text, safe=""))
    return replace(request, target=target.encode("latin-1"), headers=headers, body=body)


def _replaced(text: str, values: Mapping[str, str], write: Any) -> str:
    return _REFERENCE.sub(
        lambda found: write(values[found[1]]) if found[1] in values else found[0], text
    )


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _latin(text: str) -> str:
    return text if all(char < "\u0100" for char in text) else text.encode().decode("latin-1")
