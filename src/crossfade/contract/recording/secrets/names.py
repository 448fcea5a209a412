"""Which names are secret: of headers, cookies, fields, parameters and variables of a path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from crossfade.contract.recording.secrets import words as words
from crossfade.contract.recording.secrets.words import words_of

Beside = Mapping[str, str]
"""The members next to a name: their folded names, with what stands there."""


class Kind(Enum):
    """What a name tells of its value."""

    SECRET = auto()
    KEPT = auto()  # the team says that it is none
    IDENTIFIER = auto()  # random, and no secret
    CODE = auto()  # one of OAuth's or of a confirmation, or a country's
    STATE = auto()
    DIGEST = auto()  # a digest, or the signature of a URL that expires
    NUMBER = auto()  # a card's, or any
    POLICY = auto()
    PLAIN = auto()


@dataclass(frozen=True, slots=True)
class Names:
    """Tells secret names from others.

    Attributes:
        also: further names that are secret.
        keep: names that are not secret after all.
    """

    also: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    def kind(self, name: str) -> Kind:
        """What a name tells, whatever stands next to it."""
        return _kind(name, self.also, self.keep)

    def is_secret(self, name: str, beside: Beside | None = None, flow: bool = False) -> bool:
        """Whether what goes by this name must not be written down.

        Args:
            name: in any spelling.
            beside: the other members of the same query, form or object.
            flow: whether it is part of a login, a reset of a password or the like.
        """
        kind = self.kind(name)
        if kind is Kind.SECRET:
            return True
        near = beside or {}
        if kind is Kind.CODE:
            return flow or _is_oauth(near)
        if kind is Kind.STATE:
            return _is_oauth(near) and "code" in near
        wanted = _TOLD_BY.get(kind)
        return wanted is not None and not wanted.isdisjoint(near)

    def is_kept(self, name: str) -> bool:
        """Whether the team has said that this is no secret."""
        return self.kind(name) is Kind.KEPT

    def may_be_random(self, name: str) -> bool:
        """Whether a random value is to be expected here and is no secret."""
        return self.kind(name) in (Kind.IDENTIFIER, Kind.KEPT)

    @staticmethod
    def is_label(name: str) -> bool:
        """Whether the value of this member names what another one holds."""
        return folded(name) in words.LABELS

    @staticmethod
    def is_content(name: str) -> bool:
        """Whether this member holds what another one names."""
        return folded(name) in words.CONTENTS


_TOLD_BY: Final = {
    Kind.DIGEST: words.EXPIRY,
    Kind.NUMBER: words.CARD,
    Kind.POLICY: words.SIGNED,
}


def folded(name: str) -> str:
    """A name without its spelling: `redirect_uri` and `redirectURI` are `redirecturi`."""
    return "".join(words_of(name))


def beside(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The members of a query, form or object as `is_secret` takes them."""
    return {folded(name): value for name, value in pairs}


def is_flow(path: str) -> bool:
    """Whether a path is that of a login, a reset of a password or the like."""
    return any(not words.FLOW.isdisjoint(words_of(part)) for part in path.split("/"))


def _is_oauth(near: Beside) -> bool:
    """Whether a `code` is OAuth's; next to a `state` that is a word it is an address's, or any."""
    found = words.OAUTH.intersection(near)
    state = near.get("state", "")
    return bool(found - {"state"}) or not (len(state) <= _LETTERS or state.isalpha())


_LETTERS: Final = 3  # of a country's state


@lru_cache(4096)
def _kind(name: str, also: tuple[str, ...], keep: tuple[str, ...]) -> Kind:
    found = words_of(name)
    if found in map(words_of, keep):
        return Kind.KEPT
    dashed = "-".join(found)
    if any(f"-{'-'.join(words_of(each))}-" in f"-{dashed}-" for each in also if words_of(each)):
        return Kind.SECRET
    found = tuple(word for word in found if word not in words.HARMLESS)
    while len(found) > 1 and found[-1].isdigit():
        found = found[:-1]
    if not found:
        return Kind.PLAIN
    if _is_of_pages(found):
        return Kind.IDENTIFIER
    written = name.lower()  # `oTP`, which seems to be two words
    secret = written in words.SECRET or written in words.LAST or _is_secret(found)
    if secret and not _is_about(found):
        return Kind.SECRET
    return _by_last(found)


def _is_secret(found: tuple[str, ...]) -> bool:
    joined = "".join(found)
    if any(word in words.SECRET for word in found) or any(word in joined for word in words.INSIDE):
        return True
    if any(len(w) > len(end) and w.endswith(end) for w in found for end in words.SECRET_ENDS):
        return True
    return (
        any(neighbours in words.SECRET for neighbours in _neighbours(found))
        or _is_last(found)
        or _is_key(found)
    )


_SHORTEST: Final = 6  # letters of a word that neighbours make; `s_id` is no `sid`
_MOST: Final = 4


def _neighbours(found: tuple[str, ...]) -> Iterable[str]:
    for start in range(len(found)):
        for end in range(start + 2, min(start + _MOST, len(found)) + 1):
            text = "".join(found[start:end])
            if len(text) >= _SHORTEST:
                yield text


def _is_last(found: tuple[str, ...]) -> bool:
    """Whether an ambiguous word stands at the end, or only what is about its value after it."""
    for index, word in enumerate(found):
        if word.endswith("pass") and word not in words.ORDINARY_PASSES:
            ordinary = index and found[index - 1] in words.OF_ANOTHER_PASS
            if not ordinary and _only_after(found[index + 1 :]):
                return True
        elif word in words.LAST and _only_after(found[index + 1 :]):
            return True
    return False


def _only_after(rest: tuple[str, ...]) -> bool:
    return all(word in words.AFTER or word.isdigit() for word in rest)


def _is_key(found: tuple[str, ...]) -> bool:
    """`api_key`, `stripeKey`, `encryption-key-2`; not `key` alone, nor `sort_key`."""
    for index, word in enumerate(found[1:], 1):
        if word in ("key", "keys") and found[index - 1] not in words.ORDINARY_KEYS:
            return _only_after(found[index + 1 :]) and len(found[index - 1]) > 1
    last = found[-1]
    return len(last) > 5 and last.endswith(("accesskey", "privatekey", "secretkey", "authkey"))


def _is_about(found: tuple[str, ...]) -> bool:
    if len(found) < 2:
        return False
    counted = found[-1].endswith("s") or found[0] in ("is", "has")
    return found[-1] in words.ABOUT or (found[0] in words.BEFORE_NUMBERS and counted)


def _is_of_pages(found: tuple[str, ...]) -> bool:
    return found[-1] == "token" and len(found) > 1 and found[-2] in words.OF_PAGES


def _by_last(found: tuple[str, ...]) -> Kind:
    last = found[-1]
    if last in ("code", "codes"):
        before = found[-2] if len(found) > 1 else ""
        if before in words.SECRET_CODES:
            return Kind.SECRET
        return Kind.CODE if not before else Kind.PLAIN
    if last.endswith("code") and last[:-4] in words.SECRET_CODES:
        return Kind.SECRET
    if found in (("state",), ("nonce",)):
        return Kind.STATE
    if found in (("md5",), ("md",), ("hash",), ("verify",), ("st",)):
        return Kind.DIGEST
    if found == ("number",):
        return Kind.NUMBER
    if found == ("policy",):
        return Kind.POLICY
    return Kind.IDENTIFIER if last in words.IDENTIFIERS else Kind.PLAIN
