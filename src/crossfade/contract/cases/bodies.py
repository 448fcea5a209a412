"""How a body is written in a file of cases: as it is where an editor leaves it so, else escaped."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final


def escaped(byte: int) -> str:
    r"""A byte as an escape: `\n`, `\xff`."""
    return _SHORT.get(byte) or f"\\x{byte:02x}"


_SHORT: Final = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x5C: "\\\\"}
_RUN = re.compile(rb"(?P<one>[^\\)\n\r])(?P=one){63,}", re.DOTALL)
_BINARY: Final = 0.3  # share of bytes that would be escapes, past which base64 reads better


def dump_body(body: bytes) -> tuple[str, list[str]]:
    """Return the form in which a body is written, and its lines."""
    if not body:
        return "text", []
    text = _plain(body)
    if text is not None:
        return "text", text.split("\n")
    if sum(byte < 9 or byte > 0x7E for byte in body[:4096]) > _BINARY * len(body[:4096]):
        code = base64.b64encode(body).decode("ascii")
        return "base64", [code[i : i + 76] for i in range(0, len(code), 76)]
    return "escaped", list(_escaped_lines(body))


def _plain(body: bytes) -> str | None:
    """The body as text that a file and its editors leave as it is; None where there is none."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    lines = text.split("\n")
    sound = all(
        line.isprintable() and not line.startswith("###") and line == line.rstrip()
        for line in lines
    )
    return text if sound and lines[0] and lines[-1] and not _RUN.search(body) else None


def _escaped_lines(body: bytes) -> Iterator[str]:
    for part in re.findall(rb"[^\n]*\n|[^\n]+", body):
        text, at = "", 0
        for run in _RUN.finditer(part):
            text += _escaped_text(part[at : run.start()])
            one = run["one"]
            if 0x20 < one[0] < 0x7F:
                text += f"\\({one.decode()}*{len(run[0])})"
            else:
                text += _escaped_text(run[0])
            at = run.end()
        text += _escaped_text(part[at:])
        text = re.sub(" +$", lambda blanks: r"\x20" * len(blanks[0]), text)
        yield "\\x23" + text[1:] if text.startswith("#") else text


def _escaped_text(raw: bytes) -> str:
    """UTF-8 that can be printed as it is, every other byte escaped."""
    text = raw.decode("utf-8", "surrogateescape")
    return "".join(
        char
        if char.isprintable() and char != "\\"
        else "".join(map(escaped, char.encode("utf-8", "surrogateescape")))
        for char in text
    )
