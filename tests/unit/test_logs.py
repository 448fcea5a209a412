"""Log records: one line each, whatever a client sent, whatever the application configured."""

from __future__ import annotations

import ast
import io
import logging
import logging.config
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossfade.errors import MapError, Problem
from crossfade.logs import Logs
from crossfade.wording import escaped

SOURCE = Path(__file__).parent.parent.parent / "src" / "crossfade"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/a?b=c", "/a?b=c"),
        ("/caf\xe9 \u2603", "/caf\xe9 \u2603"),
        ("/zz\r\nFAKE", r"/zz\r\nFAKE"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\x00\x07\x7f\x9b", r"a\x00\x07\x7f\x9b"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2066\u2069\u200f\u061c", r"\u2066\u2069\u200f\u061c"),
        ("\ud800", r"\ud800"),
    ],
)
def test_escaped_shows_what_can_not_be_seen(text: str, shown: str) -> None:
    """Control characters, line ends, marks of direction, lone surrogates."""
    assert escaped(text) == shown


def test_escaped_leaves_no_control_or_format_character() -> None:
    """Of all that Unicode has."""
    everything = "".join(map(chr, range(0x110000)))
    left = {unicodedata.category(each) for each in escaped(everything)}
    assert left.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert len(escaped(everything).splitlines()) == 1


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the logger `crossfade.test` writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("crossfade.test")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    logger.disabled = False


def test_logs_arguments_can_not_begin_a_line(lines: io.StringIO) -> None:
    """Neither as text nor as what makes text of itself; numbers stay numbers."""
    logs = Logs("crossfade.test")
    logs.warning("%s %s %d %.1f", "a\nb", ValueError("c\r\nd"), 5, 0.5)
    assert lines.getvalue() == "a\\nb c\\r\\nd 5 0.5\n"


def test_logs_problems_of_a_map_keep_their_lines(lines: io.StringIO) -> None:
    """They are ours, and one stands on each line."""
    problems = [Problem("m.toml", number, "GET /a", "wrong") for number in (1, 2)]
    Logs("crossfade.test").error("not taken over: %s", MapError(problems))
    assert len(lines.getvalue().splitlines()) == 3


@pytest.mark.parametrize("configure", ["dictConfig", "fileConfig"])
def test_logs_are_not_silenced_by_a_configuration_that_does_not_name_them(
    configure: str, lines: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`disable_existing_loggers` is on by default: nobody means our warnings by it."""
    logs = Logs("crossfade.test")
    manager = logging.getLogger().manager
    monkeypatch.setattr(manager, "loggerDict", {"crossfade.test": logs.logger})
    if configure == "dictConfig":
        logging.config.dictConfig({"version": 1})
    else:
        text = (
            "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n"
            "[logger_root]\nhandlers=\nlevel=WARNING\n"
        )
        (tmp_path / "logging.ini").write_text(text, encoding="utf-8")
        handlers, level = logging.root.handlers[:], logging.root.level
        logging.config.fileConfig(tmp_path / "logging.ini")
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
    assert logs.logger.disabled
    logging.getLogger("crossfade.test").addHandler(logging.StreamHandler(lines))
    logs.warning("this route may be open")
    assert "this route may be open" in lines.getvalue()


def test_logs_a_level_silences_them(lines: io.StringIO) -> None:
    """The way to say that a logger is not wanted."""
    logs = Logs("crossfade.test")
    logs.logger.setLevel(logging.CRITICAL)
    logs.error("unwanted")
    assert lines.getvalue() == ""


def test_logs_asks_for_looks_at_the_logger_itself(
    lines: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    """A level of the root logger or of `crossfade` is no wish for every record below it."""
    logs = Logs("crossfade.test")
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "crossfade")
    assert not logs.asks_for(logging.INFO)
    caplog.set_level(logging.WARNING, "crossfade.test")
    assert not logs.asks_for(logging.INFO)
    caplog.set_level(logging.INFO, "crossfade.test")
    assert logs.asks_for(logging.INFO)


def test_logs_what_a_filter_raises_hides_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard error has both, and the record; the caller hears of nothing."""
    logs = Logs("crossfade.test")

    def broken(_: logging.LogRecord) -> bool:
        raise RuntimeError("no request context")

    logs.logger.addFilter(broken)
    try:
        logs.error("failed: %s", "/a\nb", exc_info=ZeroDivisionError("the failure"))
    finally:
        logs.logger.removeFilter(broken)
    said = capsys.readouterr().err
    assert "no request context" in said
    assert "ZeroDivisionError: the failure" in said
    assert "not logged by crossfade.test: failed: %s ('/a\\nb',)" in said


def test_every_logger_of_ours_is_of_this_kind() -> None:
    """So that none of them writes what a client sent as it came."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "getLogger":
                names = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                assert not any(str(name).startswith("crossfade") for name in names), path
