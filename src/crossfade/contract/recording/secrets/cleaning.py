"""One value, and one text, without what is secret in it: URLs, forms, and what is written in them.

A text may hold another one: JSON in a form's field, a URL with its own query in a parameter, a
GraphQL query in JSON. Each is taken apart as what it is; only what is secret changes, every other
character stays.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from crossfade.contract.recording.secrets import words as words
from crossfade.contract.recording.secrets.names import Names, beside, folded, is_flow
from crossfade.contract.recording.secrets.values import is_random, secret_spans

REDACTED: Final = "REDACTED"

DEEPEST: Final = 5
"""Texts inside of texts that are taken apart; what is deeper and names a secret goes as a whole."""

StandIn = Callable[[str, str, bool], str]
"""What is written for a value: the value itself, a reference to an answer, or `REDACTED`.

It is given the value, its name ("" where it has none), and whether its name or form is secret.
"""


def redacted(value: str, name: str, secret: bool) -> str:
    """Write `REDACTED` for what is secret."""
    return REDACTED if secret else value


class UnreadableError(Exception):
    """A body may hold a secret and can't be taken apart; so it must not be kept at all."""


@dataclass(frozen=True)
class Cleaner:
    """Writes texts without their secrets.

    Attributes:
        names: which names are secret.
        stand_in: what is written for a value.
        flow: whether the request is part of a login, a reset of a password or the like.
    """

    names: Names = field(default_factory=Names)
    stand_in: StandIn = redacted
    flow: bool = False

    def is_secret(self, name: str, near: Mapping[str, str] | None = None) -> bool:
        """Whether a name is secret in this request, next to others."""
        return self.names.is_secret(name, near, self.flow)

    # --- one value -----------------------------------------------------------------------------

    def value(self, text: str, name: str, secret: bool, depth: int = 0) -> str:
        """Return a value without what is secret in it.

        Args:
            text: decoded, as the application reads it.
            name: by which it goes; "" where it has none.
            secret: whether the name says that all of it is.
            depth: of texts inside of texts.
        """
        if secret:
            return self.stand_in(text, name, True) if text else text
        if self.names.is_kept(name):
            return text
        other = self.stand_in(text, name, False)
        if other != text:
            return other
        if _ORDINARY.fullmatch(text):
            return text
        clean = self.text(text, depth)
        if clean == text and is_random(text) and not self.names.may_be_random(name):
            return self.stand_in(text, name, True)
        return clean

    def text(self, text: str, depth: int = 0) -> str:
        """Return a text without the secrets that stand in it, in whatever form it is written."""
        if depth > DEEPEST:
            return self.stand_in(text, "", True) if self.mentions(text) else text
        document = self._document(text, depth + 1)
        if document is not None:
            return document
        for written in (self._url, self._encoded):
            clean = written(text, depth + 1)
            if clean not in (None, text):
                return str(clean)
        return self.forms(self._assignments(text))

    def forms(self, text: str) -> str:
        """Return a text without values that are secret by their form."""
        return self.replaced(text, secret_spans(text))

    def replaced(self, text: str, spans: Iterable[tuple[int, int]]) -> str:
        """Return a text with something else at these places."""
        parts, at = [], 0
        for start, end in spans:
            parts += [text[at:start], self.stand_in(text[start:end], "", True)]
            at = end
        return "".join([*parts, text[at:]])

    def mentions(self, text: str) -> bool:
        """Whether a secret name, or a value of a secret form, stands somewhere in a text."""
        found = set(_NAME.findall(text))
        return any(map(self.names.is_secret, found)) or bool(secret_spans(text))

    # --- what a text is ------------------------------------------------------------------------

    def _document(self, text: str, depth: int) -> str | None:
        """JSON, XML or GraphQL; None where it is none of them."""
        from crossfade.contract.recording.secrets import graphql as graphql
        from crossfade.contract.recording.secrets import json_body as json_body
        from crossfade.contract.recording.secrets import xml_body as xml_body

        first = text.lstrip()[:1]
        if first in '{["' and first:
            clean = json_body.clean_json(text, self, depth)
            if clean is not None:
                return clean
        if first == "<":
            return xml_body.clean_xml(text, self, depth)
        if graphql.is_graphql(text):
            return graphql.clean_graphql(text, self, depth)
        return None

    def _url(self, text: str, depth: int) -> str | None:
        """A URL, or a query or form alone."""
        if _BLANK.search(text):
            return None
        if _URL.match(text):
            return self.url(text, depth)
        return self.pairs(text, depth) if _PAIRS.match(text) else None

    def _encoded(self, text: str, depth: int) -> str | None:
        """A text that is percent-encoded once more, or in base64; None where nothing changes."""
        if _PERCENT.search(text):
            plain = unquote(text)
            clean = self.text(plain, depth)
            if clean != plain:
                return quoted(clean)
        else:
            code = text.rpartition(";base64,")[2] if text.startswith("data:") else text
            plain = _of_base64(code) if _BASE64.fullmatch(code) else ""
            if plain and self.text(plain, depth) != plain:
                return self.stand_in(text, "", True)
        return None

    def _assignments(self, text: str) -> str:
        """`password=x` and `password: x` in any text."""
        if ":" not in text and "=" not in text and " eq " not in text:
            return text
        spans = []
        at = 0
        for found in _ASSIGNED.finditer(text):
            first, _, last = found["name"].rpartition(" ")
            second = first and last.lower() in _SECOND_WORDS and self.is_secret(found["name"])
            if found.start("name") < at or not (second or self.is_secret(last)):
                continue
            value = _ASSIGNED_VALUE.match(text, found.end())
            if value is None:
                continue
            prose = first and last.lower() in words.LAST and not _DIGIT.search(value["to"] or "0")
            if second or not prose:
                spans.append(value.span(value.lastgroup or "to"))
                at = value.end()
        return self.replaced(text, [span for span in spans if span[1] > span[0]])

    # --- URLs and forms ------------------------------------------------------------------------

    def url(self, text: str, depth: int = 0) -> str:
        """Return a URL, or a path with its query, without its secrets."""
        before, hash_sign, fragment = text.partition("#")
        path, mark, query = before.partition("?")
        scheme, slashes, rest = path.rpartition("://")
        host, slash, path = rest.partition("/") if slashes else ("", "", path)
        start = self.forms(f"{scheme}{slashes}{host}")
        clean = f"{start}{slash}{self.path(path, depth)}{mark}{self.pairs(query, depth)}"
        inside = self.pairs(fragment, depth) if "=" in fragment else self.path(fragment, depth)
        return f"{clean}{hash_sign}{inside}"

    def path(self, path: str, depth: int = 0) -> str:
        """Return a percent-encoded path without values that are secret by form or by its words."""
        flow = self.flow or is_flow(unquote(path))
        started = False
        parts = []
        for part in path.split("/"):
            text, *parameters = part.split(";")
            plain = unquote(text)
            secret = (started and is_one_time(plain)) or is_random(plain)
            clean = self.value(plain, "", secret, depth)
            started = started or (flow and is_flow(plain))
            text = text if clean == plain else quoted(clean)
            parts.append(";".join([text, *(self.pairs(p, depth) for p in parameters)]))
        return "/".join(parts)

    def pairs(self, text: str, depth: int = 0) -> str:
        """Return a query or a form, as it is sent, without its secrets."""
        split = [part.partition("=") for part in text.split("&")]
        plain = [(unquote_plus(name), unquote_plus(value)) for name, _, value in split]
        near = beside(plain)
        labelled = self.labelled(plain)
        of_variables = self.of_variables(plain)
        parts = []
        for (sent, equals, raw), (name, value) in zip(split, plain, strict=True):
            if not equals:
                name, value, raw, sent = "", name, sent, ""
            secret = self.is_secret(name, near) or (labelled and self.names.is_content(name))
            cleaner = of_variables if name == "variables" else self
            clean = cleaner.value(value, name, secret, depth)
            title = self.text(name, depth + 1)
            sent = sent if title == name else quoted(title, plus=True)
            raw = raw if clean == value else quoted(clean, plus=True, like=raw)
            parts.append(f"{sent}{equals}{raw}")
        return "&".join(parts)

    def labelled(self, pairs: Iterable[tuple[str, str]]) -> bool:
        """Whether a member names what another one holds, and that is secret: `name=password`."""
        pairs = list(pairs)
        patches = any(name == "op" for name, _ in pairs)  # JSON Patch: its path names the value
        return any(
            (self.names.is_label(name) or (patches and name == "path"))
            and self.is_secret(value)
            and not (folded(name) == "type" and folded(value) in words.LAST)  # a session of a fair
            for name, value in pairs
        )

    def of_variables(self, pairs: Iterable[tuple[str, str]]) -> Cleaner:
        """What cleans the variables of a GraphQL request: some are given to secret arguments."""
        from crossfade.contract.recording.secrets import graphql as graphql

        queries = [text for name, text in pairs if name == "query" and graphql.is_graphql(text)]
        found = {each for text in queries for each in graphql.secret_variables(text, self)}
        if not found:
            return self
        return replace(self, names=replace(self.names, also=(*self.names.also, *sorted(found))))


def quoted(text: str, *, plus: bool = False, like: str = "") -> str:
    """A text percent-encoded; the braces of a reference to an answer stay.

    Args:
        text: as the application reads it.
        plus: whether a blank is `+`.
        like: another text as it was sent: what it does not encode is not encoded here either.
    """
    safe = "".join(char for char in _MAY_STAND if char in like)
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair of UTF-16, which JSON can hold
        raw = text.encode("utf-8", "surrogatepass")
    return (quote_plus if plus else quote)(raw, safe="{}" + safe)


_MAY_STAND: Final = "/:?@!$'()*,;[]|"  # in a query, without being encoded
_ORDINARY: Final = re.compile(r"[A-Za-z .,!?-]{0,19}|\d{1,11}")
_NAME: Final = re.compile(r"[^\W\d][\w-]{1,63}")
_BLANK: Final = re.compile(r"\s")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|/|\?|[^\s=&?]*\?[^\s=&]+=")
_PAIRS: Final = re.compile(r"[\w.\[\]%+$-]+=[^&]*(?:&|\Z)")
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_ASSIGNED: Final = re.compile(
    r"""(?P<name>(?:[^\W\d]\w{0,31}[ ])?[^\W\d][\w.\[\]-]{1,63})["'\]]*"""
    r"(?:\s*(?:=>|:=|[:=])\s*|[ ]eq[ ])"
)
_ASSIGNED_VALUE: Final = re.compile(
    r"""(?:"(?P<double>(?:\\.|[^"\\])*)(?:"|\Z)|'(?P<single>(?:\\.|[^'\\])*)(?:'|\Z)
    |(?P<to>[^\n,;&"'<>(){}\[\]]+))""",
    re.VERBOSE,
)
_DIGIT: Final = re.compile(r"\d")
_SECOND_WORDS: Final = frozenset(("key", "code", "number", "phrase", "word", "id"))
"""Words of prose that the one before them makes secret: `API key: …`."""

_SHORTEST_CODE: Final = 5


def is_one_time(text: str) -> bool:
    """Whether a part of a path looks like a code that was sent to somebody: no word, no slug."""
    if len(text) < _SHORTEST_CODE or "." in text[-5:-1]:
        return False
    mixed = any(c.isdigit() for c in text) or not (text.islower() or text.istitle())
    return mixed and not re.fullmatch(r"v?\d{1,4}|[\d-]{8,10}", text)


def _of_base64(text: str) -> str:
    """What a text in base64 says; "" where that is no text."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        found = b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except ValueError:
        return ""
    return found if found.isprintable() or "\n" in found else ""
