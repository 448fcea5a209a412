"""Where keys stand in TOML, against documents that use every part of the grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.migration_map.positions import outline, tomllib

DOCUMENT = '''\
# a comment with "quotes" and [brackets]
title = "a # b"

[routes]          # four kinds of string
"GET /a" = "native"
'GET /b' = 'it''s'
"GET /c\\u0041" = """
[not.a.table]
x = "1"
"""
bare-key = {stage="native",  "quoted" = [1, 2]}
dotted . "key" = 1

[ routes . "GET /d" ]
stage = \'\'\'
legacy\'\'\'
list = [
  "GET /not-a-key = 1",  # ]
  { inner = 1 },
]

[[tables]]
n = 1
[[tables]]
n = 2
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("routes",), 4),
        (("routes", "GET /a"), 5),
        (("routes", "GET /b"), 6),
        (("routes", "GET /cA"), 7),
        (("routes", "bare-key"), 11),
        (("routes", "bare-key", "stage"), 11),
        (("routes", "bare-key", "quoted"), 11),
        (("routes", "dotted", "key"), 12),
        (("routes", "GET /d"), 14),
        (("routes", "GET /d", "stage"), 15),
        (("routes", "GET /d", "list"), 17),
        (("routes", "GET /d", "absent"), 14),
        (("absent",), None),
    ],
)
def test_finds_the_line(path: tuple[str, ...], line: int | None) -> None:
    """A key's line is found whatever stands before it; an absent key has its parent's."""
    tomllib.loads(DOCUMENT)  # the document is TOML
    assert outline(DOCUMENT).line(path) == line


def test_an_inner_key_on_a_line_of_its_own() -> None:
    """An inline table's keys have their own lines (TOML 1.1 and what editors show)."""
    assert outline('a = {\n  b = 1,\n  "c d" = 2,\n}\n').line(("a", "c d")) == 3


def test_repetitions_are_found_once() -> None:
    """A table given twice is one repetition, whatever it holds; a key in it is not another."""
    text = "[a]\nx = 1\n[a]\nx = 2\n[b]\ny = 1\ny = 2\n"
    found = outline(text)
    assert [(first.line, again.line) for first, again in found.repeated()] == [(1, 3), (6, 7)]


def test_blanking_keeps_every_line_number() -> None:
    """Without its repetitions a document is TOML again, and its lines are where they were."""
    text = "[a]\nx = 1\n[a]\nx = 2\nz = 3\n[b]\ny = 1\ny = 2\n"
    found = outline(text)
    rest = found.without(text, [again for _, again in found.repeated()])
    assert tomllib.loads(rest) == {"a": {"x": 1}, "b": {"y": 1}}
    assert rest.count("\n") == text.count("\n")


@given(st.text(alphabet="[]{}\"'=.,#\\\n ab1", max_size=40))
def test_never_fails(text: str) -> None:
    """Any text has an outline, if only an empty one: the parser proper reports the fault."""
    outline(text)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.one_of(st.integers(), st.booleans(), st.text(max_size=8)),
        max_size=8,
    )
)
def test_agrees_with_the_parser(values: dict[str, object]) -> None:
    """Each key that the parser finds has the line on which it was written."""
    lines = [f"{_string(key)} = {_value(value)}" for key, value in values.items()]
    text = "\n".join(lines)
    assert tomllib.loads(text) == values
    found = outline(text)
    assert [found.line((key,)) for key in values] == list(range(1, len(values) + 1))


def _string(text: str) -> str:
    return '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'


def _value(value: object) -> str:
    return _string(value) if isinstance(value, str) else str(value).lower()
