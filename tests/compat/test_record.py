"""Whatever happens to a request, Flask's hooks see of a native route what they saw of its view."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from crossfade.model import Side
from tests.asgi.kit import Answer
from tests.compat.recorder import Record, Recorder, play

OUTCOMES = {
    "normal": "/normal/4",
    "query": "/normal/4?a=1&a=2&stop=nowhere",
    "after_this_request in hooks": "/normal/4?later=app",
    "after_this_request in a blueprint's hook": "/normal/4?later=inner",
    "after_this_request in the view": "/later/4",
    **{
        f"{scaffold} hook before: {how}": f"/normal/4?stop={scaffold}+before&how={how}"
        for scaffold in ("app", "outer", "inner")
        for how in ("answer", "abort", "refuse", "bug", "stream")
    },
    **{
        f"{scaffold} hook after: {how}": f"/normal/4?stop={scaffold}+after&how={how}"
        for scaffold in ("app", "outer", "inner")
        for how in ("answer", "bug")
    },
    "a hook rewrites": "/normal/4?rewrite=outer",
    "teardown fails": "/normal/4?stop=outer+teardown",
    "handler: abort": "/raises/abort",
    "handler: abort without a text": "/raises/plain",
    "handler: a response raised": "/raises/headers",
    "handler: an error with a handler": "/raises/refused",
    "handler: a bug": "/raises/bug",
    "validation": "/valid?count=x",
    "validation: missing": "/valid",
    "stream": "/stream/3",
    "stream of nothing": "/stream/0",
    "stream: a hook replaces it": "/stream/40?stop=app+after",
    "stream: it breaks": "/stream/3?break=1",
    "stream: it breaks at once": "/stream/3?break=-1",
}


def both(
    recorder: Recorder, method: str, target: str, ignore: str = "", **more: Any
) -> tuple[Answer, Record]:
    """Play a request on both sides; they must not differ. Returns what the native side did."""
    legacy, expected = asyncio.run(play(recorder, Side.LEGACY, method, target, **more))
    native, seen = asyncio.run(play(recorder, Side.NATIVE, method, target, **more))
    assert _comparable(seen, ignore) == _comparable(expected, ignore)
    assert any("teardown_appcontext" in event for event, _ in seen)
    assert native.status == legacy.status
    if "leave_after" not in more:  # how much of a stream is on its way by then is chance
        assert native.body == legacy.body
    assert _headers(native.headers) == _headers(legacy.headers)
    return native, seen


def _comparable(record: Record, ignore: str) -> Record:
    """Return the record without what Flask does twice.

    From Flask 3.1.2 on `stream_with_context` tears down twice: before the first chunk, and after
    the last.
    """
    dropped = {"raised to the server", ignore}
    events = [event for event, _ in record]
    if events.count("teardown_appcontext") == 2:
        first = next(n for n, event in enumerate(events) if "tear" in event)
        record = record[:first] + record[events.index("signal appcontext_popped") + 1 :]
    return _without_inner_pushes([entry for entry in record if entry[0] not in dropped])


def _without_inner_pushes(record: Record) -> Record:
    """Keep the first push and the last pop: `stream_with_context` pushes again in between."""
    pushed, popped = ("signal appcontext_pushed", None), ("signal appcontext_popped", None)
    last = max(n for n, entry in enumerate(record) if entry == popped)
    return [
        entry
        for n, entry in enumerate(record)
        if (entry != pushed or n == 0) and (entry != popped or n == last)
    ]


def _headers(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    # A session's cookie holds the second that it was signed in.
    return sorted(
        (name.lower(), re.sub(r"(session=[^.]+)[^;]+", r"\1", value)) for name, value in headers
    )


@pytest.mark.parametrize("target", OUTCOMES.values(), ids=OUTCOMES.keys())
@pytest.mark.parametrize("spec", ["2.3", "2.4"])
def test_the_record_is_the_same(recorder: Recorder, target: str, spec: str) -> None:
    """Hooks, signals, errors and teardown run alike around the view and its native handler."""
    both(recorder, "GET", target, spec=spec)


@pytest.mark.parametrize("sync", [True])
@pytest.mark.parametrize("name", ["normal", "handler: abort", "handler: a bug", "teardown fails"])
def test_a_plain_def_is_no_different(recorder: Recorder, name: str) -> None:
    """A handler in FastAPI's threads sees Flask's context as one on the event loop does."""
    both(recorder, "GET", OUTCOMES[name])


@pytest.mark.parametrize("spec", ["2.3", "2.4"])
def test_a_hook_reads_a_stream(recorder: Recorder, spec: str) -> None:
    """A hook that asks a streamed answer for its bytes gets them, however many."""
    target = "/stream/400?rewrite=inner"
    legacy, expected = asyncio.run(play(recorder, Side.LEGACY, "GET", target))
    native, seen = asyncio.run(play(recorder, Side.NATIVE, "GET", target, spec=spec))
    assert native.body == legacy.body
    assert native.body.startswith(b"rewritten 0;1;")
    # The moment of the teardown differs, and Flask pushes its context again for the generator.
    ours, theirs = (
        [event for event, _ in record if event != "client done" and "appcontext_p" not in event]
        for record in (seen, expected)
    )
    assert ours == theirs


@pytest.mark.parametrize("spec", ["2.3", "2.4"])
def test_a_hook_wraps_a_stream(recorder: Recorder, spec: str) -> None:
    """A hook puts its own iterable around the stream, as a compression does."""
    target = "/stream/100?wrap=outer"
    legacy, _ = asyncio.run(play(recorder, Side.LEGACY, "GET", target))
    native, seen = asyncio.run(play(recorder, Side.NATIVE, "GET", target, spec=spec))
    assert native.body == legacy.body
    assert native.body.startswith(b"0;!1;!")
    assert ("teardown_appcontext", "NoneType") in seen


@pytest.mark.parametrize("spec", ["2.3", "2.4"])
def test_the_client_leaves(recorder: Recorder, spec: str) -> None:
    """A client that goes away in the middle of a stream: teardown runs, and knows."""
    target = "/stream/100000?endless"
    _, record = both(recorder, "GET", target, ignore="chunk", leave_after=2, spec=spec)
    assert ("teardown_appcontext", "GeneratorExit") in record
