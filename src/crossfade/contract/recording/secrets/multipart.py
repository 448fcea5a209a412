"""An upload's parts without their secrets, whatever line ends separate them.

Werkzeug reads CRLF, LF and CR alike, so this does too (`werkzeug.sansio.multipart`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from crossfade.contract.recording.secrets.cleaning import Cleaner, UnreadableError
from crossfade.contract.recording.secrets.names import beside

_BOUNDARY: Final = re.compile(r"""boundary\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;,"]+))""", re.I)
_HEAD_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n")
_FOLD: Final = re.compile(r"(?:\r\n|\n|\r)[ \t]+")
_KEY_FILE: Final = re.compile(
    r"(?i)(?:\.(?:pem|key|p12|pfx|jks|keystore|kdbx?|ppk|asc|gpg|ovpn|p8|der|crt|cer|env|htpasswd)"
    r"|(?:^|[/\\])(?:id_[a-z0-9]+|\.env(?:\.\w+)?|\.netrc|\.npmrc|\.pypirc|\.pgpass|credentials"
    r"|shadow|htpasswd|kubeconfig|wallet\.dat))$"
)

Clean = Callable[[bytes, str], bytes]
"""Returns content of a media type without secrets, or raises `UnreadableError`."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One part, between two boundaries: its head, what ends that, its content and its end."""

    head: bytes
    blank: bytes
    content: bytes
    end: bytes
    names: tuple[str, ...]
    files: tuple[str, ...]
    kind: str


def clean_multipart(body: bytes, kind: str, cleaner: Cleaner, clean: Clean) -> bytes:
    """Return a body without the contents of parts that are secret.

    Args:
        body: of media type multipart/….
        kind: the header `Content-Type`.
        cleaner: tells which are.
        clean: of a file's content.

    Raises:
        UnreadableError: it has no parts, or what stands around them may be secret.
    """
    found = _BOUNDARY.search(kind)
    if found is None:
        raise UnreadableError(_NO_PARTS)
    boundary = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]
    line = re.compile(
        rb"(?:(?<=[\r\n])|\A)--"
        + re.escape(boundary.encode("latin-1"))
        + rb"(?:--)?[ \t]*(?:\r\n|\n|\r|\Z)"
    )
    marks = list(line.finditer(body))
    if not marks:
        raise UnreadableError(_NO_PARTS)
    ends = [mark.start() for mark in marks[1:]] + [len(body)]
    pieces = [body[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    lasts = [mark[0].rstrip().endswith(b"--") for mark in marks]
    parts = [None if last else _part(piece) for piece, last in zip(pieces, lasts, strict=True)]
    outside = [body[: marks[0].start()]]
    outside += [piece for piece, part in zip(pieces, parts, strict=True) if part is None]
    if cleaner.mentions(b"\n".join(outside).decode("latin-1")):
        raise UnreadableError("a secret is named outside of its parts")
    near = beside(
        (name, part.content.decode("utf-8", "replace"))
        for part in parts
        if part is not None
        for name in part.names
    )
    written = [body[: marks[0].start()]]
    for mark, piece, part in zip(marks, pieces, parts, strict=True):
        written += [mark[0], piece if part is None else _cleaned(part, near, cleaner, clean)]
    return b"".join(written)


_NO_PARTS: Final = "it is an upload whose parts can't be found"


def _part(piece: bytes) -> _Part | None:
    """Take a part apart; None where it has no end to its head."""
    blank = _HEAD_END.search(piece)
    if blank is None:
        return None
    head, content = piece[: blank.start()], piece[blank.end() :]
    end = next((each for each in (b"\r\n", b"\n", b"\r") if content.endswith(each)), b"")
    headers = _headers(head)
    disposition = headers.get("content-disposition", "")
    return _Part(
        head,
        blank[0],
        content[: len(content) - len(end)],
        end,
        tuple(_parameters(disposition, "name")),
        tuple(_parameters(disposition, "filename")),
        headers.get("content-type", ""),
    )


def _cleaned(part: _Part, near: Mapping[str, str], cleaner: Cleaner, clean: Clean) -> bytes:
    head = cleaner.forms(part.head.decode("latin-1")).encode("latin-1", "replace")
    return head + part.blank + _content(part, near, cleaner, clean) + part.end


def _content(part: _Part, near: Mapping[str, str], cleaner: Cleaner, clean: Clean) -> bytes:
    if any(map(cleaner.names.is_kept, part.names)):
        return part.content
    text = part.content.decode("utf-8", "surrogateescape")
    secret = any(cleaner.is_secret(name, near) for name in part.names)
    if secret or any(map(_is_key_file, part.files)):
        return _encoded(cleaner.value(text, "", True))
    if not part.files and not part.kind:
        return _encoded(cleaner.value(text, next(iter(part.names), ""), False))
    try:
        return clean(part.content, part.kind)
    except UnreadableError:
        return _encoded(cleaner.value(text, "", True))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_key_file(name: str) -> bool:
    return _KEY_FILE.search(name) is not None


def _headers(head: bytes) -> dict[str, str]:
    text = _FOLD.sub(" ", head.decode("utf-8", "replace"))
    pairs = (line.partition(":") for line in re.split(r"\r\n|\n|\r", text))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _parameters(value: str, name: str) -> list[str]:
    """Every reading of a parameter: quoted or not, and in the encoding of RFC 5987."""
    pattern = rf"""(?i)[;\s]{name}(\*(?:\d+\*?)?)?\s*=\s*(?:"((?:\\.|[^"\\])*)"?|([^\s;]+))"""
    found = []
    for star, quoted, bare in re.findall(pattern, value):
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        found.append(unquote(text.rpartition("'")[2]) if "*" in star else text)
    return found
