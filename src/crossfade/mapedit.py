"""Edits of a migration map's text. Comments, order and layout stay as their author has them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import InlineTable, Item, String, Table

from crossfade.model import Stage, Waiver
from crossfade.toml_lines import outline


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
    document = tomlkit.parse(text)
    routes: Any = document.get("routes")
    if routes is None or key not in routes:
        return _added(text, key, _value(stage, waiver), routes)
    present = routes[key]
    if isinstance(present, Mapping):
        _change(present, stage, waiver)
        if isinstance(present, InlineTable) and list(present) == ["stage"]:
            _replace(routes, key, tomlkit.item(stage.value))
    else:
        _replace(routes, key, _value(stage, waiver))
    return tomlkit.dumps(document)


def copy_route(text: str, key: str, source: str) -> str:
    """Return the map with one route as another version of the map has it, or without it."""
    before: Any = tomlkit.parse(source).get("routes", {})
    document = tomlkit.parse(text)
    routes: Any = document.get("routes")
    if key not in before:
        if routes is not None and key in routes:
            del routes[key]
        return tomlkit.dumps(document)
    value = before[key]
    if routes is None or key not in routes:
        return _added(text, key, _plain(value), routes)
    _replace(routes, key, _plain(value))
    return tomlkit.dumps(document)


def listed(text: str) -> list[str]:
    """Return the routes that a map lists, as it spells them."""
    return [str(key) for key in tomlkit.parse(text).get("routes", {})]


def replace_file(path: Path, text: str) -> None:
    """Replace a file's text in one step, through symbolic links; its permissions stay."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _change(table: Any, stage: Stage, waiver: Waiver | None) -> None:
    if str(table.get("stage")) != stage.value:
        table["stage"] = stage.value
    if waiver is not None:
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


def _plain(value: Any) -> Item:
    """A value of another document, on one line and without that document's layout."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, String) else tomlkit.item(value)
    table = tomlkit.inline_table()
    for name, inner in value.items():
        table[name] = _plain(inner) if isinstance(inner, Mapping) else _unwrapped(inner)
    return table


def _unwrapped(value: Any) -> Any:
    return value.unwrap() if isinstance(value, Item) and not isinstance(value, date) else value


def _added(text: str, key: str, value: Item, routes: Any) -> str:
    """Return the map with a new line behind the last route that has a line of its own."""
    if isinstance(routes, InlineTable):
        document = tomlkit.parse(text)
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
