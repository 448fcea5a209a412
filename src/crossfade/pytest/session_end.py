"""What is done once a run is over: receipts, verdicts, and lines for the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from crossfade.contract.receipts.left_out import Contract
from crossfade.contract.receipts.proven import UNCHANGED, WRITTEN, Ledger
from crossfade.contract.reporting.terminal import blind_lines
from crossfade.wording import counted

CACHE_KEY: Final = "crossfade/routes"
"""Where pytest's cache keeps what the last run showed of each route, for `crossfade explain`."""

_MOST_WEAK: Final = 20
"""Routes of which it is said, without -v, what their rules hide."""
_MOST_RULES: Final = 3


class Closed(NamedTuple):
    """What a run has come to.

    Attributes:
        lines: for the terminal, each with whether it is a warning.
        held: whether a receipt was written, or would have been the same.
        proves: whether any route is proven by the run.
    """

    lines: list[tuple[str, bool]]
    held: bool
    proves: bool


def close(
    config: Any,
    tests: Iterable[Mapping[str, Any]],
    left_out: Iterable[Contract],
    *,
    write: bool,
) -> Closed:
    """Write what is to be written.

    Args:
        config: pytest's configuration.
        tests: what the tests saw, as `Contract.account` wrote it.
        left_out: contract tests that did not pass.
        write: whether receipts are asked for.
    """
    ledger = Ledger(
        left_out=tuple(left_out),
        asked=tuple(config.getoption("crossfade_route")),
        weaker=bool(config.getoption("crossfade_weaker_receipts")),
    )
    for test in tests:
        ledger.add(test)
    verbose = config.get_verbosity() > 0
    lines = list(_strength(ledger, verbose))
    lines += [(remark, True) for remark in ledger.remarks()]
    verdicts = ledger.verdicts()
    held = False
    if write:
        written = list(ledger.write())
        held = any(text in (WRITTEN, UNCHANGED) for _, text, _ in written)
        lines += _receipts(written, verbose)
    file = config.getoption("crossfade_verdicts")
    if file:
        Path(file).write_text(json.dumps(verdicts, indent=2), encoding="utf-8")
    cache = getattr(config, "cache", None)
    if cache is not None:
        cache.set(CACHE_KEY, {**(cache.get(CACHE_KEY, None) or {}), **_writable(verdicts)})
    return Closed(lines, held, any(verdict["proven"] for verdict in verdicts.values()))


def _writable(verdicts: dict[str, Any]) -> dict[str, Any]:
    """The same without halves of surrogate pairs, which a body can hold and no file."""
    text = json.dumps(verdicts, ensure_ascii=False)
    found: dict[str, Any] = json.loads(text.encode("utf-8", "replace"))
    return found


def is_selection(config: Any) -> bool:
    """Whether the command line names a part of the tests: files, tests, routes, folders.

    A folder right below pytest's root directory is no part, as long as `testpaths` names no other:
    `pytest tests` is what many run.
    """
    if any(config.getoption(option, None) for option in _NARROWING):
        return True
    if any(str(given).startswith("--ignore") for given in config.invocation_params.args):
        return True
    if config.args_source.name != "ARGS":
        return False
    named = [Path(config.invocation_params.dir, str(given)).resolve() for given in config.args]
    if not all(path.is_dir() for path in named):  # a file, or a test as file::name
        return True
    root = Path(config.rootpath)
    paths = [found for each in config.getini("testpaths") for found in root.glob(str(each))]
    if paths:
        return not all(any(path.is_relative_to(name) for name in named) for path in paths)
    return not any(root.is_relative_to(name) or name.parent == root for name in named)


_NARROWING: Final = (
    "crossfade_route",
    "crossfade_stage",
    "crossfade_unproven",
    "crossfade_changed_since",
    "lf",
)


def stale_rules(tests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rules of the map, of routes that these tests compared, that covered nothing.

    Args:
        tests: what the tests saw, as `Contract.account` wrote it.
    """
    met = {rule for test in tests for rule in test.get("rules", ())}
    used = {rule for test in tests for each in test["exchanges"] for rule in each["overlooked"]}
    return sorted(met - used)


def _strength(ledger: Ledger, verbose: bool) -> Iterator[tuple[str, bool]]:
    """How much of what was broken was noticed, and which rule hides the rest."""
    proofs = {route: proof for route, proof in ledger.strengths().items() if proof.mutants}
    if not proofs:
        return
    mutants = sum(proof.mutants for proof in proofs.values())
    killed = sum(proof.killed for proof in proofs.values())
    yield (
        f"strength: {killed} of {mutants} broken answers noticed ({_share(killed, mutants)})",
        False,
    )
    shown = [route for route, proof in proofs.items() if verbose or proof.survivors]
    weakest = sorted(shown, key=lambda route: (proofs[route].strength, route))
    for route in weakest if verbose else weakest[:_MOST_WEAK]:
        proof = proofs[route]
        share = _share(proof.killed, proof.mutants)
        yield f"  {route}: {proof.killed} of {proof.mutants} ({share})", False
        lines = list(blind_lines(ledger.pages[route].blind()))
        for line in lines if verbose else lines[:_MOST_RULES]:
            yield f"    {line}", False
        if len(lines) > _MOST_RULES and not verbose:
            yield f"    and {counted(len(lines) - _MOST_RULES, 'rule')} more: -v shows all", False
    if len(weakest) > _MOST_WEAK and not verbose:
        yield f"  and {counted(len(weakest) - _MOST_WEAK, 'route')} more: -v shows all", False


def _share(part: int, whole: int) -> str:
    """A percentage that is 100 only where nothing is missing."""
    return "100%" if part == whole else f"{min(part / whole * 100, 99.9):.1f}%"


def _receipts(
    written: Iterable[tuple[str, str, bool]], verbose: bool
) -> Iterator[tuple[str, bool]]:
    quiet: dict[str, int] = {}
    for route, text, warns in written:
        if warns or verbose:
            yield f"{route}: {text}", warns
        else:
            quiet[text] = quiet.get(text, 0) + 1
    for text, count in sorted(quiet.items()):
        yield f"{text}: {count} route{'' if count == 1 else 's'}", False
