"""What each side calls what an earlier answer has named by chance: an id, a token. Pure.

A client sends back what it was given. So what Flask has named in one way and FastAPI in another is
sent to each side by its own name, and compared by Flask's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from crossfade.messages.codings import decoded
from crossfade.messages.exchange import Request, Response, with_body

_SHORTEST: Final = 6
"""Characters from which a value is told from any other text by itself."""


class Names:
    """The names of one side beside Flask's first answers."""

    def __init__(self) -> None:
        self._own: dict[str, str] = {}
        self._flasks: dict[str, str] = {}

    def learn(self, pairs: Iterable[tuple[object, object]]) -> None:
        """Take pairs of values, Flask's and the side's."""
        for flasks, own in pairs:
            texts = [str(value) for value in (flasks, own) if isinstance(value, int | str)]
            if len(texts) == 2 and all(len(text) >= _SHORTEST and text.isascii() for text in texts):
                self._own[texts[0]], self._flasks[texts[1]] = texts[1], texts[0]

    def request(self, request: Request) -> Request:
        """A request as the side is sent it."""
        if not self._own:
            return request
        sent = with_body(request, _exchanged(request.body, self._own))
        return replace(
            sent,
            target=_exchanged(request.target, self._own),
            headers=tuple((name, _text(value, self._own)) for name, value in sent.headers),
        )

    def response(self, response: Response) -> Response:
        """An answer of the side, with Flask's names."""
        if not self._flasks:
            return response
        plain = decoded(response)
        named = with_body(plain, _exchanged(plain.body, self._flasks))
        headers = tuple((name, _text(value, self._flasks)) for name, value in named.headers)
        return replace(named, headers=headers)

    def value(self, value: Any) -> Any:
        """A value in a row of the side, with Flask's names."""
        if isinstance(value, str):
            return _text(value, self._flasks)
        if type(value) is int and str(value) in self._flasks:
            return int(self._flasks[str(value)])
        return value


def _text(text: str, names: Mapping[str, str]) -> str:
    if not any(name in text for name in names):
        return text
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(
        rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", lambda found: names[found[0]], text
    )


def _exchanged(raw: bytes, names: Mapping[str, str]) -> bytes:
    return _text(raw.decode("latin-1"), names).encode("latin-1")
