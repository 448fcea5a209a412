"""In what two JSON texts differ apart from their values: order, escapes, blanks, the end. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*')
_BETWEEN = re.compile(r"[ \t\r\n]+")
_Orders = Counter[tuple[str, ...]]


def form_reasons(legacy: str, native: str) -> list[str]:
    """Name the ways in which two spellings of one value differ."""
    reasons = []
    if _key_orders(legacy) != _key_orders(native):
        reasons.append("key order")
    tokens = [Counter(_TOKEN.findall(text)) for text in (legacy, native)]
    only = (*(tokens[0] - tokens[1]), *(tokens[1] - tokens[0]))
    if any(token.startswith('"') for token in only):
        reasons.append("escapes")
    if any(not token.startswith('"') for token in only):
        reasons.append("spelling of numbers")
    if _tail(legacy) != _tail(native):
        reasons.append("newline at the end")
    if _blanks(legacy) != _blanks(native):
        reasons.append("whitespace")
    return reasons


def reasons_beside_values(legacy: str, native: str) -> list[str]:
    """Name those ways for texts whose values differ as well, as far as that can be told.

    Raises:
        ValueError: a text is no JSON.
    """
    ours, theirs = _key_orders(legacy), _key_orders(native)
    reasons = []
    if ours != theirs and _sorted(ours) == _sorted(theirs):
        reasons.append("key order")
    if "\\u" in legacy and "\\u" not in native and not native.isascii():
        reasons.append("escapes")
    if _tail(legacy) != _tail(native):
        reasons.append("newline at the end")
    if set(_blanks(legacy)) != set(_blanks(native)):
        reasons.append("whitespace")
    return reasons


def _key_orders(text: str) -> _Orders:
    orders: _Orders = Counter()

    def note(pairs: list[tuple[str, object]]) -> dict[str, object]:
        orders[tuple(key for key, _ in pairs)] += 1
        return dict(pairs)

    json.loads(text, object_pairs_hook=note)
    return orders


def _sorted(orders: _Orders) -> _Orders:
    found: _Orders = Counter()
    for keys, count in orders.items():
        found[tuple(sorted(keys))] += count
    return found


def _tail(text: str) -> str:
    return text[len(text.rstrip()) :]


def _blanks(text: str) -> Counter[str]:
    return Counter(_BETWEEN.findall(_TOKEN.sub("0", text.strip())))
