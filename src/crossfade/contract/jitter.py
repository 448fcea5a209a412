"""In what Flask differs from itself: a clock, chance, a counter. Nobody is blamed for noise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from crossfade.codings import decoded
from crossfade.compare import Difference, Kind, compare
from crossfade.contract.runner import Outcome, Runner
from crossfade.contract.state import compare_states
from crossfade.exchange import Exchange, Request, Response
from crossfade.model import Side


class Noise:
    """Finds out in what Flask differs from itself, by asking it a second time."""

    def __init__(self, runner: Runner, timeout: float) -> None:
        self._runner = runner
        self._timeout = timeout

    def without(
        self,
        differences: tuple[Difference, ...],
        outcome: Outcome,
        request: Request,
        start: object,
        end: object,
    ) -> tuple[tuple[Difference, ...], tuple[str, ...], Mapping[str, Difference]]:
        """Return the differences that are none of Flask's own, the places that are, and these.

        What stands in a noisy place must still look alike: a clock on one side and nothing, or a
        date of another form, on the other is no noise.

        Args:
            differences: between Flask's first answer and FastAPI's.
            outcome: the two answers.
            request: what Flask was asked.
            start: the state that it started from.
            end: the state that it left.
        """
        again, left = self._runner.ask(request, Side.LEGACY, start, self._timeout)
        own = {
            d.where: d
            for d in (
                *compare(outcome.legacy.response, again.response),
                *compare_states(end, left),
            )
        }
        session = self._session_is_noise(outcome, again)

        def is_noise(difference: Difference) -> bool:
            if difference.where == session:
                return True
            if not like_flasks_own(difference, own):
                return False
            return difference.kind is not Kind.TEXT or _same_where_flask_is_steady(
                *(_lines(each.response) for each in (outcome.legacy, again, outcome.native))
            )

        kept = tuple(each for each in differences if not is_noise(each))
        return kept, tuple(d.where for d in differences if d not in kept), own

    def _session_is_noise(self, outcome: Outcome, again: Exchange) -> str | None:
        """The place of Flask's session cookie, where only what Flask draws by lot differs in it.

        Such as the token that Flask-WTF puts into a new session. The rest of the session counts.
        """
        reader = self._runner.session_reader
        if reader is None:
            return None
        native = _at(reader.where, compare(outcome.legacy.response, outcome.native.response))
        repeated = _at(reader.where, compare(outcome.legacy.response, again.response))
        if native is None or repeated is None:
            return None
        ours, theirs = reader.content(native.legacy), reader.content(native.native)
        second = reader.content(repeated.native)
        if ours is None or theirs is None or second is None or {*ours} != {*theirs}:
            return None
        by_lot = all(
            type(ours[key]) is type(theirs[key])
            and ours[key] != second.get(key, ours[key])
            and _form(repr(ours[key])) == _form(repr(theirs[key]))
            for key in ours
            if ours[key] != theirs[key]
        )
        return reader.where if by_lot else None


def _at(where: str, differences: Iterable[Difference]) -> Difference | None:
    return next((each for each in differences if each.where == where), None)


def _lines(response: Response) -> list[str]:
    return decoded(response).body.decode(errors="replace").splitlines(keepends=True)


def _same_where_flask_is_steady(ours: list[str], again: list[str], theirs: list[str]) -> bool:
    """Whether FastAPI's text has the lines that Flask repeats, and looks alike in the others.

    A page with a token in its form may differ in that line only. Where Flask's own answers have
    not the same number of lines, nothing is known of any.
    """
    if len(ours) != len(again):
        return True
    return len(ours) == len(theirs) and all(
        native == line or _is_unsteady(line, other, native)
        for line, other, native in zip(ours, again, theirs, strict=True)
    )


def _is_unsteady(line: str, other: str, native: str) -> bool:
    """Whether Flask writes a line differently each time, and FastAPI's looks like it."""
    if line == other:
        return False
    return _form(line) != _form(other) or _form(line) == _form(native)


def like_flasks_own(difference: Difference, own: Mapping[str, Difference]) -> bool:
    """Whether Flask differs from itself there as well, and FastAPI's value has the same form."""
    same = own.get(difference.where)
    if same is None or same.kind is not difference.kind:
        return False
    if difference.legacy is None or difference.native is None:
        return same.legacy is None or same.native is None  # it comes and goes
    first, second = _form(same.legacy or ""), _form(same.native or "")
    return first != second or _form(difference.native) == first


_TOKEN = re.compile(r'"\.?[\w-]+\.[\w-]+\.[\w-]{20,}"')
"""What JWT and itsdangerous sign, as JSON has it."""


def _form(text: str) -> str:
    """What stays of a text where letters and digits change: `"w-w-w"`; a number is one word."""
    if _TOKEN.fullmatch(text):
        return '"w.w.w"'  # the dashes of its base64 stand elsewhere in each
    return re.sub(r"\w+", "w", text) if text.startswith('"') else re.sub(r"[\w.+-]+", "w", text)
