"""Edits of a migration map's text. Comments, order and layout stay as their author has them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import InlineTable, Item, Table

from crossfade.files import read_small, replace_file
from crossfade.migration_map.positions import loads, outline
from crossfade.model import Stage, Waiver


def set_stage(text: str, key: str, stage: Stage, waiver: Waiver | None = None) -> str:
    r"""Return the map with one route at another stage.

    Args:
        text: the map.
        key: the route as the map spells it, or shall.
        stage: who shall answer it.
        waiver: why it may be native without a receipt. None takes an old one away.

    >>> set_stage('[routes]\n"GET /a" = "legacy"  # soon\n', "GET /a", Stage.NATIVE)
    '[routes]\n"GET /a" = "native"  # soon\n'
    """
    if key not in listed(text):
        return _added(text, key, _value(stage, waiver))

    def change(routes: Any) -> None:
        present = routes[key]
        if not _is_table(present):
            _replace(routes, key, _value(stage, waiver))
            return
        had_waiver = "receipt" in present
        _change(present, stage, waiver)
        if isinstance(present, InlineTable) and had_waiver and list(present) == ["stage"]:
            _replace(routes, key, tomlkit.item(stage.value))

    return _edited(text, key, change)


def remove_route(text: str, key: str) -> str:
    """Return the map without a route that has a line with nothing but its stage and a waiver.

    What else a line says was written by somebody: then only its stage becomes `legacy`.
    """
    value: Any = tomlkit.parse(text)["routes"][key]
    if _is_table(value) and not set(value) <= {"stage", "receipt"}:
        return set_stage(text, key, Stage.LEGACY)
    return _removed(text, key)


def listed(text: str) -> list[str]:
    """Return the routes that a map lists, as it spells them."""
    routes = tomlkit.parse(text).get("routes", {})
    return [str(key) for key in routes] if _is_table(routes) else []


def set_setting(text: str, table: str, key: str, value: float) -> str:
    r"""Return the map with one setting at another value.

    >>> set_setting("[routes]\n", "record", "share", 0.1)
    '[routes]\n\n[record]\nshare = 0.1\n'
    """
    document = tomlkit.parse(text)
    present: Any = document.get(table)
    if present is None:
        newline = "\r\n" if "\r\n" in text else "\n"
        start = text if not text or text.endswith("\n") else text + newline
        return f"{start}{newline if start else ''}[{table}]{newline}{key} = {value}{newline}"
    item = tomlkit.item(value)
    if key in present:
        _replace(present, key, item)
    else:
        present[key] = item
    return tomlkit.dumps(document)


def read_file(path: Path) -> str:
    """Return a map's text, line ends as they are, without a byte order mark.

    Raises:
        OSError: it can't be read.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read_small(path).decode("utf-8-sig")


def write_file(path: Path, text: str) -> None:
    """Replace a map's text in one step. Its owner, its mode and a byte order mark stay."""
    mark = codecs.BOM_UTF8 if read_small(path).startswith(codecs.BOM_UTF8) else b""
    replace_file(path, mark + text.encode())


def _edited(text: str, key: str, change: Callable[[Any], None]) -> str:
    """Return the map with the statement or table of one route changed, and no byte beside it."""
    span = _span(text, key)
    start, end = span or (0, len(text))
    document = tomlkit.parse(text[start:end])
    change(document if key in document else document["routes"])
    changed = tomlkit.dumps(document)
    if span is not None:
        changed = changed.rstrip("\r\n")
    after = text[:start] + changed + text[end:]
    return text if loads(after) == loads(text) else after


def _span(text: str, key: str) -> tuple[int, int] | None:
    """Where a route's line or table begins and ends; None where it stands in another's value."""
    path = ("routes", key)
    start = end = -1
    in_table = False
    for statement in outline(text).statements:
        if in_table and statement.is_header:
            break
        if statement.path == path:
            start, end, in_table = statement.start, statement.end, statement.is_header
            if not in_table:
                break
        elif in_table:
            end = statement.end
    return (start, end) if start >= 0 else None


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _removed(text: str, key: str) -> str:
    """Return the map without a route: its line, or its table."""
    for statement in outline(text).statements:
        if statement.path == ("routes", key) and not statement.is_header:
            start = text.rfind("\n", 0, statement.start) + 1
            end = text.find("\n", statement.end)
            return text[:start] + (text[end + 1 :] if end >= 0 else "")
    document = tomlkit.parse(text)
    routes: Any = document.get("routes")
    if routes is not None and key in routes:
        del routes[key]
    return tomlkit.dumps(document)


def _change(table: Any, stage: Stage, waiver: Waiver | None) -> None:
    if str(table.get("stage")) != stage.value:
        table["stage"] = stage.value
    if waiver is not None:
        if _unwrapped(table.get("receipt")) != asdict(waiver):
            table["receipt"] = _waived(waiver)
    elif "receipt" in table:
        del table["receipt"]


def _replace(routes: Any, key: str, value: Item) -> None:
    """Put a value in another's place, with the comment that stood behind that."""
    old = routes[key]
    if isinstance(old, Item) and not isinstance(old, Table):
        value.trivia.comment_ws = old.trivia.comment_ws
        value.trivia.comment = old.trivia.comment
    routes[key] = value


def _value(stage: Stage, waiver: Waiver | None) -> Item:
    if waiver is None:
        return tomlkit.item(stage.value)
    table = tomlkit.inline_table()
    table["stage"] = stage.value
    table["receipt"] = _waived(waiver)
    return table


def _waived(waiver: Waiver) -> InlineTable:
    table = tomlkit.inline_table()
    table["waived"] = waiver.waived
    table["until"] = waiver.until
    return table


def _unwrapped(value: Any) -> Any:
    return value.unwrap() if isinstance(value, Item) else value


def _added(text: str, key: str, value: Item) -> str:
    """Return the map with a new line behind the last route that has a line of its own."""
    document = tomlkit.parse(text)
    if isinstance(document.get("routes"), InlineTable):
        document["routes"][key] = value
        return tomlkit.dumps(document)
    newline = "\r\n" if "\r\n" in text else "\n"
    quoted = json.dumps(key, ensure_ascii=False)
    last, prefix = None, ""
    table: tuple[str, ...] = ()
    for statement in outline(text).statements:
        if statement.is_header:
            table = statement.path
            last = statement if table == ("routes",) else last
        elif table == ("routes",) or (not table and statement.path[:1] == ("routes",)):
            last = statement
            prefix = "" if table else "routes."
    if last is None:
        blank = "" if not text or text.endswith(newline * 2) else newline
        blank = blank if text.endswith(newline) or not text else newline * 2
        return f"{text}{blank}[routes]{newline}{quoted} = {value.as_string()}{newline}"
    equals = text[last.start : last.end].find(" = ") if not last.is_header else -1
    padded = f"{prefix}{quoted}".ljust(equals)
    at = text.find("\n", last.end)
    line = f"{padded} = {value.as_string()}{newline}"
    if at < 0:
        return f"{text}{newline}{line}"
    return f"{text[: at + 1]}{line}{text[at + 1 :]}"
