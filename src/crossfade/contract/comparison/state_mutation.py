"""Could the comparison of what is left have failed? Broken states that it has to notice. Pure.

As `mutation` does with answers: of a sample of the state that a request left, copies are made in
which a row is missing, has another value or is one too many, and the rules are asked about each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from crossfade.contract.comparison.mutation import Strength, Survivor
from crossfade.contract.state.base import Table, comparable
from crossfade.contract.state.effects import compare_states
from crossfade.messages.compare import Difference

NOT_COMPARED: Final = "what contract_state captures there has no __eq__ and is not compared"

ExplainState = Callable[[Difference], str | None]


def sample(state: object) -> Mapping[str, object] | None:
    """What broken states are made from: of each table one row. None where nothing is captured.

    Args:
        state: a captured picture.
    """
    if state is None:
        return None
    if not isinstance(state, Mapping):
        return {"": state}
    return {
        name: Table(value.columns, value.key, value.rows[:1]) if isinstance(value, Table) else value
        for name, value in state.items()
    }


def state_strength(left: Mapping[str, object], explain: ExplainState) -> Strength:
    """Try every broken state.

    Args:
        left: a sample.
        explain: the rules.
    """
    survivors = []
    count = 0
    for name, value in left.items():
        for what, broken in _broken(value):
            count += 1
            where = f"state.{name}".rstrip(".")
            if not comparable(value):
                survivors.append(Survivor(f"{where} {what}", NOT_COMPARED))
                continue
            found = compare_states({name: value}, {name: broken}) if name else ()
            found = found or compare_states(value, broken)
            reasons = [explain(difference) for difference in found]
            if all(reason is not None for reason in reasons):
                words = sorted({reason for reason in reasons if reason})
                survivors.append(Survivor(f"{where} {what}", ", ".join(words)))
    return Strength(count, tuple(survivors))


def state_shape(left: Mapping[str, object]) -> str:
    """A name for what broken states depend on: tables, columns, whether there are rows."""
    parts = [
        (name, value.columns, value.key, bool(value.rows))
        if isinstance(value, Table)
        else (name, type(value).__name__)
        for name, value in left.items()
    ]
    return "state " + hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


class _Other:
    """Is equal to nothing."""

    def __repr__(self) -> str:
        return "something else"


def _broken(value: object) -> Iterator[tuple[str, object]]:
    """What a part of a state may wrongly have become."""
    if isinstance(value, Table):
        yield from _broken_table(value)
    elif isinstance(value, list | tuple):
        if value:
            yield "row missing", value[:-1]
            yield "value changed", type(value)([*value[:-1], _Other()])
        yield "row added", type(value)([*value, _Other()])
    elif isinstance(value, dict):
        if value:
            last = next(reversed(value))
            yield "row missing", {key: each for key, each in value.items() if key != last}
            yield "value changed", {**value, last: _Other()}
        yield "row added", {**value, "crossfade": _Other()}
    else:
        yield "value changed", _Other()


def _broken_table(table: Table) -> Iterator[tuple[str, Table]]:
    def rows(*rows: tuple[object, ...]) -> Table:
        return Table(table.columns, table.key, rows)

    if not table.rows:
        yield "row added", rows(tuple("crossfade" for _ in table.columns))
        return
    (row,) = table.rows[:1]
    plain = [n for n, name in enumerate(table.columns) if name not in table.key]
    keys = [n for n, name in enumerate(table.columns) if name in table.key]
    yield "row missing", rows()
    if plain or keys:
        yield "value changed", rows(_with_another(row, (plain or keys)[-1]))
        yield "row added", rows(row, _with_another(row, (keys or plain)[0]))


def _with_another(row: tuple[object, ...], at: int) -> tuple[object, ...]:
    old: Any = row[at]
    new: object = "crossfade"
    if isinstance(old, int) and not isinstance(old, bool):
        new = old + 1
    elif isinstance(old, str):
        new = f"{old}x"
    return (*row[:at], new, *row[at + 1 :])
