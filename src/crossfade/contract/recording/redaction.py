"""Secrets leave a request before anything of it is written down. No I/O.

What goes by a secret name, and what has the form of a secret whatever its name, becomes
`REDACTED`, a number becomes 0, so that the request keeps its shape: see `contract.secrets`.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus, unquote

from crossfade.contract.recording.secrets import graphql as graphql
from crossfade.contract.recording.secrets import json_body as json_body
from crossfade.contract.recording.secrets import xml_body as xml_body
from crossfade.contract.recording.secrets.cleaning import (
    REDACTED,
    Cleaner,
    UnreadableError,
    is_one_time,
    quoted,
)
from crossfade.contract.recording.secrets.multipart import clean_multipart
from crossfade.contract.recording.secrets.names import Names, is_flow
from crossfade.contract.recording.secrets.values import is_random
from crossfade.messages.exchange import Headers, Request

__all__ = ["REDACTED", "OfEnvironment", "Redaction", "UnreadableError", "variables_of"]

FORM: Final = "application/x-www-form-urlencoded"


def _none(value: str, name: str, secret: bool) -> str | None:
    return None


@dataclass(frozen=True)
class Redaction:
    """What is secret.

    Attributes:
        also: further names: of headers, cookies, fields of JSON, forms and queries.
        keep: names that are not secret after all; also the only cookies that are kept, and media
            types of binary bodies that are.
        known: tells values that are no secret, whatever their name; by default none is.
        refer: what stands for a value that an earlier answer gave, by its name and whether it is
            secret; None where no answer gave it.
        keeps_binary: whether a binary body in which no secret is named is kept.
    """

    also: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    known: Callable[[str], bool] = lambda value: False
    refer: Callable[[str, str, bool], str | None] = _none
    keeps_binary: bool = False

    def is_secret(self, name: str) -> bool:
        """Whether what goes by this name must not be written down, whatever stands next to it."""
        return self._names.is_secret(name)

    @property
    def _names(self) -> Names:
        return Names(self.also, self.keep)

    def request(self, request: Request, rule: str = "") -> Request:
        """Return the request without its secrets.

        Args:
            request: as it was sent.
            rule: the URL rule that owns it, which names the variables of its path; "" for none.

        Raises:
            UnreadableError: the request may hold a secret that can't be found.
        """
        path, mark, query = request.target.decode("utf-8", "surrogateescape").partition("?")
        cleaner = Cleaner(self._names, self._stand_in, is_flow(unquote(path)))
        target = self._path(path, rule, cleaner) + mark + cleaner.pairs(query)
        headers = []
        for name, value in request.headers:
            kept = self._header(name, value, cleaner)
            if kept is not None:
                headers.append((name, kept))
        body = self._body(request, cleaner)
        if body != request.body:
            length = str(len(body))
            headers = [(n, length if n == "content-length" else v) for n, v in headers]
        raw = target.encode("utf-8", "surrogateescape")
        return replace(request, target=raw, headers=tuple(headers), body=body)

    def _stand_in(self, value: str, name: str, secret: bool) -> str:
        if secret and self.known(value):
            return value
        other = self.refer(value, name, secret)
        if other is not None:
            return other
        return REDACTED if secret else value

    # --- the path ------------------------------------------------------------------------------

    def _path(self, path: str, rule: str, cleaner: Cleaner) -> str:
        if not rule:
            return cleaner.path(path)
        found = variables_of(rule, path)
        if found is None:
            names = (each["name"] or each["native"] for each in _VARIABLE.finditer(rule))
            if any(map(self.is_secret, names)):
                raise UnreadableError("its path holds a secret that can't be found")
            return cleaner.path(path)
        parts, at = [], 0
        for variable in found:
            clean = self._variable(variable, cleaner)
            parts += [path[at : variable.start], clean]
            at = variable.end
        return "".join([*parts, path[at:]])

    def _variable(self, variable: Variable, cleaner: Cleaner) -> str:
        name, text = variable.name, variable.text
        if self._names.is_kept(name):
            return text
        if ("/" in text or ";" in text) and not cleaner.is_secret(name):
            return cleaner.path(text)
        plain = unquote(text)
        secret = cleaner.is_secret(name) or (
            not self._names.may_be_random(name)
            and (is_random(plain) or _is_code(variable, plain, cleaner.flow))
        )
        clean = cleaner.value(plain, f"<{name}>", secret)
        return text if clean == plain else quoted(clean)

    # --- headers -------------------------------------------------------------------------------

    def _header(self, name: str, value: str, cleaner: Cleaner) -> str | None:
        """The header without its secrets; None where it goes altogether."""
        if name == "cookie":
            return self._cookies(value) or None
        if self.is_secret(name):
            return self._credentials(name, value)
        if name in _OF_HTTP or not value:
            return value
        return _latin(cleaner.value(value, name, False))

    def _cookies(self, value: str) -> str:
        kept = []
        for pair in value.split(";"):
            name, equals, text = pair.strip().partition("=")
            clean = text if self._names.is_kept(name) else self._stand_in(text, name, True)
            if clean != REDACTED and (name or text):
                kept.append(f"{name}{equals}{_latin(clean)}")
        return "; ".join(kept)

    def _credentials(self, name: str, value: str) -> str | None:
        """`Bearer …` goes by what follows, `Basic …` decoded; None where it is secret."""
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "basic" and not self.known(value):
            try:
                user, _, password = b64decode(rest, validate=True).decode().partition(":")
            except ValueError:
                return None
            return value if self.known(user) and self.known(password) else None
        whole = self._stand_in(value, name, True)
        if whole != REDACTED:
            return _latin(whole)
        clean = self._stand_in(rest.strip(), name, True) if rest.strip() else REDACTED
        if clean == REDACTED:  # `Token token="…"`
            clean = _PARAMETER.sub(
                lambda p: f"{p[1]}{self._stand_in(p[2], name, True)}{p[3]}", rest
            )
            if REDACTED in clean or not _PARAMETERS.fullmatch(rest):
                return None
        blanks = value[len(scheme) : len(value) - len(rest.lstrip())]
        return f"{scheme}{blanks}{_latin(clean)}"

    # --- the body ------------------------------------------------------------------------------

    def _body(self, request: Request, cleaner: Cleaner) -> bytes:
        body = request.body
        if not body:
            return body
        codings = {value.strip().lower() for value in request.values("content-encoding")}
        if codings - {"", "identity"}:
            raise UnreadableError("it is compressed")
        kind = next(iter(request.values("content-type")), "")
        if kind.strip().lower().startswith("multipart/"):
            return self._upload(body, kind, cleaner)
        return self._content(body, kind, cleaner)

    def _upload(self, body: bytes, kind: str, cleaner: Cleaner) -> bytes:
        def clean(content: bytes, of: str) -> bytes:
            if of.strip().lower().startswith("multipart/"):
                return self._upload(content, of, cleaner)
            return self._content(content, of, cleaner)

        return clean_multipart(body, kind, cleaner, clean)

    def _content(self, body: bytes, kind: str, cleaner: Cleaner) -> bytes:
        media = kind.partition(";")[0].strip().lower()
        if media == FORM and body.lstrip()[:1] not in (b"{", b"["):
            text = body.decode("utf-8", "surrogateescape")
            return cleaner.pairs(text).encode("utf-8", "surrogateescape")
        found = _decoded(body, media, kind)
        if found is None:
            return self._binary(body, media)
        text, encoding = found
        for read in (json_body.clean_json, json_body.clean_lines, xml_body.clean_xml):
            clean = read(text, cleaner)
            if clean is not None:
                return body if clean == text else clean.encode(encoding)
        if graphql.is_graphql(text):
            clean = graphql.clean_graphql(text, cleaner)
            return body if clean == text else clean.encode(encoding)
        return self._text(body, text, cleaner, encoding)

    def _text(self, body: bytes, text: str, cleaner: Cleaner, encoding: str) -> bytes:
        """A body of no known form: kept where no secret is named in it."""
        if self.known(text):
            return body
        if any(map(self.is_secret, set(_NAME.findall(text)))):
            raise UnreadableError("it names a secret and has no form that is known")
        clean = cleaner.value(text, "", False)
        return body if clean == text else clean.encode(encoding)

    def _binary(self, body: bytes, media: str) -> bytes:
        named = {name.decode("ascii") for name in _ASCII_NAME.findall(body)}
        if media in self.keep:
            return body
        if any(map(self.is_secret, named)) or b"-----BEGIN " in body:
            raise UnreadableError("it is binary and names a secret")
        if media.startswith(_PICTURES) or self.keeps_binary:
            return body
        raise UnreadableError("it is binary: what it holds is not known")


_NAME: Final = re.compile(r"[^\W\d][\w-]{1,63}")
_ASCII_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z_-]{4,63}")

# fmt: off
_OF_HTTP: Final = frozenset({
    "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control",
    "content-length", "content-md5", "content-type", "digest", "expect", "host", "if-match",
    "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "origin", "pragma",
    "range", "upgrade", "user-agent",
})
# fmt: on
"""Headers of HTTP's own that hold no secret, or one that is random and none: an ETag."""


def _latin(text: str) -> str:
    return text if all(char < "\u0100" for char in text) else text.encode().decode("latin-1")


_TEXTUAL: Final = re.compile(
    r"|text/.*|.*[/+.-](?:json|xml|yaml|graphql|javascript|ecmascript|ndjson|jsonl|jsonlines|sql"
    r"|toml|csv|json-seq|x-www-form-urlencoded|jwt|jose|html|urlencoded|json-stream)"
)
_PARAMETER: Final = re.compile(r'([\w-]+=")([^"]*)(")')
_PARAMETERS: Final = re.compile(r'(?:\s*[\w-]+="[^"]*"\s*(?:,|\Z))+')
_PICTURES: Final = ("image/", "audio/", "video/", "font/")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1d\x1f\x7f-\x9f]")


def _decoded(body: bytes, media: str, kind: str) -> tuple[str, str] | None:
    """The text of a body and its encoding; None where it is binary."""
    if not (_TEXTUAL.fullmatch(media) or media.startswith(_PICTURES)):  # text, said to be a picture
        return None
    given = re.search(r"""(?i)charset\s*=\s*["']?([\w.:-]+)""", kind)
    encodings = ["utf-8", *([given[1]] if given else []), json.detect_encoding(body), "latin-1"]
    for encoding in encodings:
        try:
            codecs.lookup(encoding)
            text = body.decode(encoding)
        except (LookupError, ValueError):
            continue
        if not _CONTROLS.search(text) and text.encode(encoding) == body:
            return text, encoding
    return None


# --- variables of a path -------------------------------------------------------------------------

_VARIABLE: Final = re.compile(  # Flask's spelling, and FastAPI's of what it alone has
    r"<(?:(?P<converter>[^<>:(]*)(?:\([^<>]*\))?:)?(?P<name>[^<>:]+)>"
    r"|{(?P<native>\w+)(?::(?P<convertor>\w+))?}"
)
_TYPED: Final = ("int", "float", "uuid")

_FRIENDLY: Final = frozenset(
    ("user", "username", "name", "provider", "slug", "email", "lang", "locale", "backend", "client")
)
"""Variables along a login's way that are no codes."""


class Variable(NamedTuple):
    """What stands in a path at a variable of its rule.

    Attributes:
        name: of the variable.
        converter: `int`, `path`, …; "" for the default.
        start: where it begins.
        end: where it ends.
        text: what stands there, as it was sent.
    """

    name: str
    converter: str
    start: int
    end: int
    text: str


def variables_of(rule: str, path: str) -> list[Variable] | None:
    """Lay a rule over a path; None where it does not fit.

    Args:
        rule: `/users/<int:user_id>`, with a host before it or without.
        path: as it was sent, with whatever stands before what the rule owns.
    """
    pattern, at = "", max(rule.find("/"), 0)
    found = list(_VARIABLE.finditer(rule, at))
    kinds = [each["converter"] or each["convertor"] or "" for each in found]
    for number, (variable, kind) in enumerate(zip(found, kinds, strict=True)):
        text = "[^/]+?" if kind in (*_TYPED, *_WITHIN_A_SEGMENT) else ".+?"
        pattern += f"{re.escape(rule[at : variable.start()])}(?P<v{number}>{text})"
        at = variable.end()
    fits = re.fullmatch(f".*?{pattern}{re.escape(rule[at:])}/?", path, re.DOTALL)
    if fits is None:
        return None
    return [
        Variable(each["name"] or each["native"], kind, *fits.span(f"v{n}"), fits[f"v{n}"])
        for n, (each, kind) in enumerate(zip(found, kinds, strict=True))
    ]


_WITHIN_A_SEGMENT: Final = ("", "string", "any", "default", "str")


def _is_code(variable: Variable, text: str, flow: bool) -> bool:
    """Whether this is what somebody was sent to confirm something."""
    return (
        flow
        and variable.converter not in _TYPED
        and variable.name not in _FRIENDLY
        and is_one_time(text)
    )


# --- the environment -----------------------------------------------------------------------------


class OfEnvironment:
    """Redacts values of secret environment variables, whatever field they stand in."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        known = Names()
        found = os.environ if environment is None else environment
        values = {v for k, v in found.items() if len(v) >= _SHORTEST and known.is_secret(k)}
        self._values = sorted({form for v in values for form in _written(v)}, key=len, reverse=True)

    def request(self, request: Request) -> Request:
        """Return the request without these values."""
        for value in self._values:
            raw = value.encode("utf-8", "surrogateescape")
            latin = raw.decode("latin-1")
            if raw in request.target + request.body or any(latin in v for _, v in request.headers):
                headers: Headers = tuple(
                    (n, v.replace(latin, REDACTED)) for n, v in request.headers
                )
                request = replace(
                    request,
                    target=request.target.replace(raw, REDACTED.encode()),
                    headers=headers,
                    body=request.body.replace(raw, REDACTED.encode()),
                )
        return request


def _written(value: str) -> Iterator[str]:
    """A value as it stands in a header, in a URL, in a form, in JSON."""
    raw = value.encode("utf-8", "surrogateescape")
    yield from (value, quote(raw, safe=""), quote(raw), quote_plus(raw))
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]


_SHORTEST: Final = 8  # a shorter value would be found in much that is no secret
