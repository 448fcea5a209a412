"""Secrets leave a request before anything of it is written down. No I/O.

A name is secret if one of its words is: `password`, `newPassword`, `user[password]` and
`X-Api-Key` all are. What stands there becomes `REDACTED`, a number becomes 0, so that the
request keeps its shape.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_plus

from crossfade.exchange import Request

REDACTED: Final = "REDACTED"

# fmt: off
SECRET_WORDS: Final = (
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "jwt",
    "authorization", "auth", "credential", "credentials", "apikey", "api-key", "access-key",
    "private-key", "secret-key", "signature", "session", "sessionid", "csrf", "xsrf", "otp",
    "totp", "pin", "cvv", "cvc", "card-number", "cardnumber", "iban", "ssn", "cookie",
)
# fmt: on
"""Words and pairs of words that make a name secret."""

_ANYWHERE: Final = ("password", "passwd", "passphrase", "secret", "token", "apikey")
"""Words that are secret inside of another word, too: `userpassword`."""

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


class UnreadableError(Exception):
    """A body names a secret and can't be taken apart; so it must not be kept at all."""


@dataclass(frozen=True)
class Redaction:
    """What is secret.

    Attributes:
        also: further names: of headers, cookies, fields of JSON, forms and queries.
        keep: names that are not secret after all; also the only cookies that are kept.
        known: tells values that are no secret, whatever their name; by default none is.
    """

    also: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    known: Callable[[str], bool] = lambda value: False

    def is_secret(self, name: str) -> bool:
        """Whether what goes by this name must not be written down."""
        return _is_secret(name, self.also, self.keep)

    def request(self, request: Request, values: Iterable[str] = ()) -> Request:
        """Return the request without its secrets.

        Args:
            request: as it was sent.
            values: further texts that are secret wherever they stand in the path.

        Raises:
            UnreadableError: the body may hold a secret that can't be found.
        """
        path, mark, query = request.target.decode("latin-1").partition("?")
        for value in values:
            path = path.replace(value, REDACTED)
        target = path + mark + self._pairs(query)
        headers = []
        for name, value in request.headers:
            kept = self._cookies(value) if name == "cookie" else self._header(name, value)
            if kept:
                headers.append((name, kept))
        body = self._body(request)
        if body != request.body:
            length = str(len(body))
            headers = [(n, length if n == "content-length" else v) for n, v in headers]
        return replace(request, target=target.encode("latin-1"), headers=tuple(headers), body=body)

    def _header(self, name: str, value: str) -> str:
        if self.is_secret(name):
            return value if self._is_known_header(value) else ""
        if name in ("referer", "location", "origin"):
            start, mark, query = value.partition("?")
            return start + mark + self._pairs(query)
        return value or " "

    def _cookies(self, value: str) -> str:
        kept = [_words(name) for name in self.keep]
        pairs = [part.strip() for part in value.split(";")]
        return "; ".join(
            pair
            for pair in pairs
            if _words(pair.partition("=")[0]) in kept or self.known(pair.partition("=")[2])
        )

    def _is_known_header(self, value: str) -> bool:
        """Whether all of a header is known: `Bearer …` by what follows, `Basic …` decoded."""
        if self.known(value):
            return True
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = b64decode(rest, validate=True).decode().partition(":")
            except ValueError:
                return False
            return self.known(user) and self.known(password)
        return bool(rest) and self.known(rest.strip())

    def _pairs(self, text: str) -> str:
        """A query or a form."""
        parts = []
        for part in text.split("&"):
            name, equals, value = part.partition("=")
            secret = equals and value and self.is_secret(unquote_plus(name))
            secret = secret and not self.known(unquote_plus(value))
            parts.append(f"{name}={REDACTED}" if secret else part)
        return "&".join(parts)

    def _body(self, request: Request) -> bytes:
        body = request.body
        if not body:
            return body
        kind = next(iter(request.values("content-type")), "")
        media = kind.partition(";")[0].strip().lower()
        if request.values("content-encoding"):
            raise UnreadableError("it is compressed")
        if media == "application/x-www-form-urlencoded":
            return self._pairs(body.decode("latin-1")).encode("latin-1")
        if media == "multipart/form-data":
            return self._multipart(body, kind)
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return self._text(body)
        if not isinstance(found, (dict, list)):
            return body
        try:
            clean = self._json(found)
        except RecursionError:
            raise UnreadableError("it is nested too deeply") from None
        return body if clean == found else json.dumps(clean, ensure_ascii=False).encode()

    def _text(self, body: bytes) -> bytes:
        """A body of no known form: kept where no secret is named in it."""
        text = body.decode("latin-1")
        named = any(map(self.is_secret, set(re.findall(r"[\w-]{3,}", text))))
        if named and not self.known(body.decode("utf-8", "replace")):
            raise UnreadableError("it names a secret and is neither JSON nor a form")
        return body

    def _json(self, value: Any, secret: bool = False) -> Any:
        if isinstance(value, dict):
            return {k: self._json(v, secret or self.is_secret(k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._json(each, secret) for each in value]
        if not secret or value is None or isinstance(value, bool) or self.known(str(value)):
            return value
        return (REDACTED if value else value) if isinstance(value, str) else 0

    def _multipart(self, body: bytes, kind: str) -> bytes:
        found = re.search(r'boundary="?([^";]+)"?', kind)
        if found is None:
            return self._text(body)
        boundary = b"--" + found[1].encode("latin-1")
        pieces = body.split(boundary)
        for index, piece in enumerate(pieces[1:], 1):
            head, blank, content = piece.partition(b"\r\n\r\n")
            name = re.search(r'[ ;]name="?([^";\r\n]*)', head.decode("latin-1"))
            if blank and name is not None and self.is_secret(name[1]):
                end = b"\r\n" if content.endswith(b"\r\n") else b""
                if self.known(content.removesuffix(end).decode("utf-8", "replace")):
                    continue
                pieces[index] = head + blank + REDACTED.encode() + end
        return boundary.join(pieces)


class OfEnvironment:
    """Redacts values of secret environment variables, whatever field they stand in."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        known = Redaction()
        found = os.environ if environment is None else environment
        self._values = sorted(
            {v for k, v in found.items() if len(v) >= _SHORTEST and known.is_secret(k)},
            key=len,
            reverse=True,
        )

    def request(self, request: Request) -> Request:
        """Return the request without these values."""
        for value in self._values:
            raw = value.encode()
            latin = raw.decode("latin-1")
            if raw in request.target + request.body or any(latin in v for _, v in request.headers):
                request = replace(
                    request,
                    target=request.target.replace(raw, REDACTED.encode()),
                    headers=tuple((n, v.replace(latin, REDACTED)) for n, v in request.headers),
                    body=request.body.replace(raw, REDACTED.encode()),
                )
        return request


_SHORTEST: Final = 8  # a shorter value would be found in much that is no secret


@lru_cache(4096)  # the names of a service's headers and fields are few, and asked for each request
def _is_secret(name: str, also: tuple[str, ...], keep: tuple[str, ...]) -> bool:
    words = _words(name)
    if words in map(_words, keep):
        return False
    secrets = (*SECRET_WORDS, *map(_words, also))
    if any(f"-{secret}-" in f"-{words}-" for secret in secrets):
        return True
    plain = words.replace("-", "")
    return any(secret in plain for secret in _ANYWHERE)


def _words(name: str) -> str:
    """`newPassword` and `new_password` are both `new-password`."""
    return "-".join(_WORD.findall(name)).lower()
