"""A GraphQL document without its secrets: literal arguments and defaults of variables."""

from __future__ import annotations

import re
from typing import Final

from crossfade.contract.recording.secrets.cleaning import REDACTED, Cleaner

_START: Final = re.compile(
    r"(?:\s|#[^\n]*\n)*(?:(?:query|mutation|subscription|fragment)\b[^{]{0,2000}\{|\{\s*[A-Za-z_.])"
)
_TOKEN: Final = re.compile(
    r'"""(?:\\"""|.)*?(?:"""|\Z)|"(?:\\.|[^"\\\n])*(?:"|\Z)|#[^\n]*|\$?[A-Za-z_]\w*'
    r"|-?\d[\w.+-]*|[{}()\[\]:=,]|[^\s\w]",
    re.DOTALL,
)
_LITERALS: Final = ("true", "false", "null")


def is_graphql(text: str) -> bool:
    """Whether a text begins as a GraphQL document does."""
    return _START.match(text) is not None


def clean_graphql(text: str, cleaner: Cleaner, depth: int = 0) -> str:
    """Return a document without its secrets; the fields that it selects stay."""
    walk = _Walk(cleaner, depth)
    parts, at = [], 0
    for token in _TOKEN.finditer(text):
        clean = walk.token(token[0])
        parts += [text[at : token.start()], clean]
        at = token.end()
    return "".join([*parts, text[at:]])


def secret_variables(text: str, cleaner: Cleaner) -> set[str]:
    """Return the variables that a document gives to secret arguments: `p` of `(password: $p)`."""
    walk = _Walk(cleaner, 0)
    for token in _TOKEN.finditer(text):
        walk.token(token[0])
    return walk.variables


class _Walk:
    """Goes through the tokens. Names before a colon are arguments only inside of parentheses."""

    def __init__(self, cleaner: Cleaner, depth: int) -> None:
        self._cleaner = cleaner
        self._depth = depth
        self._open: list[tuple[str, bool]] = []  # each bracket, and whether all in it is secret
        self._calls = 0  # parentheses that are open
        self._name = ""  # the last name, which a colon may follow
        self._secret = False  # whether the next value is
        self._variable = False  # whether a variable is declared, whose type comes first
        self.variables: set[str] = set()  # those that stand where a secret is expected

    def token(self, text: str) -> str:
        """Return what is written for a token."""
        if text in ("{", "[", "("):
            self._open.append((text, self._secret or self._all_secret))
            self._calls += text == "("
            self._secret = False
        elif text in ("}", "]", ")"):
            if self._open:
                self._calls -= self._open.pop()[0] == "("
            self._secret = self._variable = False
        elif text == ":":
            self._variable = self._name.startswith("$")
            self._secret = self._calls > 0 and self._cleaner.is_secret(self._name.lstrip("$"))
        elif text == "=":
            self._variable = False
        elif text.startswith("#"):
            return self._cleaner.text(text, self._depth)
        elif text[0] == '"':
            return self._string(text)
        elif text[0].isalnum() or text[0] in "$_-":
            return self._word(text)
        return text

    @property
    def _all_secret(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _takes(self) -> bool:
        """Whether a value that stands here is secret; the next one is not by this name."""
        secret = self._secret or self._all_secret
        self._secret = False
        return secret and not self._variable

    def _string(self, text: str) -> str:
        quotes = '"""' if text.startswith('"""') else '"'
        inner = text.removeprefix(quotes).removesuffix(quotes)
        clean = self._cleaner.value(inner, self._name, self._takes(), self._depth)
        return text if clean == inner else f"{quotes}{clean}{quotes}"

    def _word(self, text: str) -> str:
        """A name, a number, a variable, an enum's value."""
        is_name = text[0] in "$_" or text[0].isalpha()
        if self._variable and is_name:  # the type of a variable
            return text
        if not is_name or (self._secret and not text.startswith("$")):
            if text in _LITERALS:
                self._secret = False
                return text
            clean = self._cleaner.stand_in(text, self._name, self._takes())
            return "0" if clean == REDACTED and not is_name else clean
        if text.startswith("$") and (self._secret or self._all_secret):
            self.variables.add(text[1:])
        self._name = text
        self._secret = False
        return text
