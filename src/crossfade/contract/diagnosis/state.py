"""Why the two sides leave other rows."""

from __future__ import annotations

from typing import Final

from crossfade.contract.diagnosis.consequences import crashed
from crossfade.contract.diagnosis.rule import Cause, View, rule
from crossfade.messages.compare import Difference, Kind
from crossfade.model import Side
from crossfade.wording import some

_WRITES: Final = frozenset(
    {"add", "add_all", "merge", "insert", "execute", "executemany", "bulk_save_objects", "save"}
)
_COMMITS: Final = frozenset({"commit", "begin", "autocommit"})


def _row(difference: Difference) -> str:
    """The place without a column: `state.users[id=1]`."""
    head, bracket, rest = difference.where.partition("[")
    return f"{head}[{rest.partition(']')[0]}]" if bracket else head


@rule(
    "XF601", "FastAPI refused, so it stored nothing",
    "Flask serves and stores, FastAPI refuses and leaves the place as it was", Kind.STATE,
)  # fmt: skip
def refused(view: View) -> Cause | None:
    """What follows from the status."""
    fails = view.ours < 400 and (view.theirs >= 400 or crashed(view.native))
    if not fails or view.changes(Side.LEGACY) is None or view.changes(Side.NATIVE) is not None:
        return None
    return Cause(
        f"FastAPI answered {view.theirs}, so it did not do what Flask did",
        "see the status: that is the difference to be mended",
        f"Flask answers {view.ours} and changed this, FastAPI {view.theirs} and left it as it was",
        "refused",
    )


@rule(
    "XF602", "A change that FastAPI does not keep",
    "both succeed, Flask adds or changes this, FastAPI leaves its table as it was, and the "
    "handler's code writes and never commits", Kind.STATE,
)  # fmt: skip
def commit(view: View) -> Cause | None:
    """A commit that is missing."""
    if not _undone(view) or not view.facts.uses & _WRITES or view.facts.uses & _COMMITS:
        return None
    writes = some(sorted(view.facts.uses & _WRITES))
    return Cause(
        "the handler writes and never commits, so nothing of it is kept",
        "commit natively: session.commit(), awaited where the session is an async one",
        f"FastAPI left the table as it was; the handler's code calls {writes} and no commit",
        "commit",
    )


@rule(
    "XF603", "A change that FastAPI does not make",
    "both succeed, Flask adds or changes this and FastAPI leaves its table as it was", Kind.STATE,
    general=True,
)  # fmt: skip
def unchanged(view: View) -> Cause | None:
    """What the handler leaves out."""
    if not _undone(view):
        return None
    return Cause(
        "Flask stored this and FastAPI did not, though it answered alike: the handler does not "
        "write it, or does not commit",
        "let the handler write what the view writes, and commit it",
        "Flask changed this, FastAPI left its table as it was",
        "unchanged",
    )


def _undone(view: View) -> bool:
    """Whether Flask added or changed something, and FastAPI's table is as it was."""
    ours = view.changes(Side.LEGACY)
    if ours is None or ours.native is None or max(view.ours, view.theirs) >= 400:
        return False
    table = view.difference.where.partition("[")[0]
    theirs = view.changed.get(Side.NATIVE, ())
    return not any(each.where.partition("[")[0] == table for each in theirs)


@rule(
    "XF604", "A row that FastAPI deletes",
    "the row was there before, Flask keeps it and FastAPI deletes it", Kind.STATE,
)  # fmt: skip
def deleted(view: View) -> Cause | None:
    """Too much is deleted."""
    theirs = view.changes(Side.NATIVE)
    if theirs is None or theirs.native is not None or view.difference.native is not None:
        return None
    if theirs.where != view.difference.where:
        return None
    return Cause(
        "FastAPI deleted this, and Flask did not",
        "let the handler delete what the view deletes, by the same conditions",
        f"{_row(view.difference)} was there before; Flask left it, FastAPI did not",
        "deleted",
    )


@rule(
    "XF605", "A row that FastAPI keeps",
    "the row was there before, Flask deletes it and FastAPI leaves it as it was", Kind.STATE,
)  # fmt: skip
def kept(view: View) -> Cause | None:
    """Too little is deleted."""
    ours = view.changes(Side.LEGACY)
    if ours is None or ours.native is not None or view.difference.legacy is not None:
        return None
    if view.changes(Side.NATIVE) is not None or max(view.ours, view.theirs) >= 400:
        return None
    return Cause(
        "Flask deleted this, and FastAPI did not: the handler does not delete it, or does not "
        "commit",
        "let the handler delete what the view deletes, and commit it",
        f"{_row(view.difference)} was there before; Flask deleted it",
        "kept",
    )


@rule(
    "XF606", "A row that only FastAPI adds",
    "the row was not there before, FastAPI adds it and Flask does not", Kind.STATE,
)  # fmt: skip
def added(view: View) -> Cause | None:
    """Too much is stored."""
    theirs = view.changes(Side.NATIVE)
    if theirs is None or theirs.legacy is not None or view.difference.legacy is not None:
        return None
    if any(_row(each) == _row(view.difference) for each in view.changed.get(Side.LEGACY, ())):
        return None
    return Cause(
        "FastAPI stored this, and Flask did not",
        "let the handler write only what the view writes",
        f"{_row(view.difference)} was not there before, and Flask added none",
        "added",
    )


@rule(
    "XF607", "Other values", "both sides changed this, to other values", Kind.STATE, general=True
)  # fmt: skip
def values(view: View) -> Cause | None:
    """One wrote, sent or counted something else."""
    seen = view.difference
    if seen.legacy is None or seen.native is None:
        return None
    ours, theirs = (
        any(_row(each) == _row(seen) for each in view.changed.get(side, ()))
        for side in (Side.LEGACY, Side.NATIVE)
    )
    if not (ours and theirs):
        return None
    return Cause(
        "the two sides leave other values behind: one wrote, sent or counted something else",
        "let the handler write what the view writes",
        f"both sides changed {_row(seen)}",
        "values",
    )


STATE = (refused, commit, unchanged, deleted, kept, added, values)
