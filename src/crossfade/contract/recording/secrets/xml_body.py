"""XML without its secrets: texts of elements, attributes, and `<name>…</name><value>…</value>`."""

from __future__ import annotations

import re
from typing import Final
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape, unescape

from crossfade.contract.recording.secrets.cleaning import Cleaner

_PIECE: Final = re.compile(
    r"(?P<other><!--.*?-->|<\?.*?\?>)|<!\[CDATA\[(?P<data>.*?)\]\]>|</(?P<end>[^\s>]+)\s*>"
    r"|<(?P<start>[^\s/>!?]+)(?P<attributes>(?:[^\"'>]|\"[^\"]*\"|'[^']*')*?)(?P<empty>/?)>"
    r"|(?P<text>[^<]+)",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"([^\s=]+)(\s*=\s*)(\"[^\"]*\"|'[^']*')")


def clean_xml(text: str, cleaner: Cleaner, depth: int = 0) -> str | None:
    """Return a document without its secrets; None where the text is none that can be read safely.

    One with a document type is none: its entities can hold anything.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        ParserCreate("utf-8").Parse(text.encode("utf-8", "surrogatepass"), True)
    except ExpatError:
        return None
    return _Walk(cleaner, depth).document(text)


class _Walk:
    def __init__(self, cleaner: Cleaner, depth: int) -> None:
        self._cleaner = cleaner
        self._depth = depth
        self._open: list[tuple[str, bool]] = []  # each element, and whether all in it is secret
        self._label = False  # whether the element before named what the next one holds

    def document(self, text: str) -> str:
        parts, at = [], 0
        for piece in _PIECE.finditer(text):
            parts += [text[at : piece.start()], self._piece(piece)]
            at = piece.end()
        return "".join([*parts, text[at:]])

    @property
    def _secret(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _piece(self, piece: re.Match[str]) -> str:
        if piece["start"] is not None:
            return self._start(piece)
        if piece["end"] is not None:
            if self._open:
                self._open.pop()
            return piece[0]
        if piece["data"] is not None:
            return f"<![CDATA[{self._content(piece['data'])}]]>"
        if piece["text"] is not None:
            plain = unescape(piece["text"], _ENTITIES)
            clean = self._content(plain)
            return piece["text"] if clean == plain else escape(clean)
        return self._cleaner.text(piece["other"][4:-3], self._depth).join(
            (piece["other"][:4], piece["other"][-3:])
        )

    def _content(self, text: str) -> str:
        name = self._open[-1][0] if self._open else ""
        plain = text.strip()
        if not plain:
            return text
        if self._cleaner.names.is_label(name):
            self._label = self._cleaner.is_secret(plain)
        clean = self._cleaner.value(plain, name, self._secret, self._depth)
        return text if clean == plain else text.replace(plain, clean)

    def _start(self, piece: re.Match[str]) -> str:
        name = piece["start"].rpartition(":")[2]
        found = [
            (each[1].rpartition(":")[2], unescape(each[3][1:-1], _ENTITIES))
            for each in _ATTRIBUTE.finditer(piece["attributes"])
        ]
        labelled = self._cleaner.labelled(found)
        inherited = self._secret
        secret = self._cleaner.is_secret(name) or inherited or labelled
        if self._label and self._cleaner.names.is_content(name):
            secret, self._label = True, False

        def attribute(match: re.Match[str]) -> str:
            title, value = match[1].rpartition(":")[2], unescape(match[3][1:-1], _ENTITIES)
            if match[1].startswith("xmlns"):
                return match[0]
            own = self._cleaner.is_secret(title) or inherited
            own = own or ((labelled or secret) and self._cleaner.names.is_content(title))
            clean = self._cleaner.value(value, title, own, self._depth)
            if clean == value:
                return match[0]
            quoted = escape(clean, {'"': "&quot;", "'": "&apos;"})
            return f"{match[1]}{match[2]}{match[3][0]}{quoted}{match[3][0]}"

        attributes = _ATTRIBUTE.sub(attribute, piece["attributes"])
        if not piece["empty"]:
            self._open.append((name, secret))
        return f"<{piece['start']}{attributes}{piece['empty']}>"


_ENTITIES: Final = {"&quot;": '"', "&apos;": "'"}
