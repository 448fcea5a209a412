"""What is known of routes' proofs, as lines for people and as plain values for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from crossfade.contract.cutover import last_run
from crossfade.contract.receipts.store import Receipt
from crossfade.contract.receipts.verify import (
    Inspector,
    Standing,
    State,
    entry_of,
    folder_of,
    rules_of,
)
from crossfade.gateway.dispatch import Gateway
from crossfade.model import Side
from crossfade.routing import Target
from crossfade.wording import counted

_MOST_REASONS: Final = 8
_WORD: Final = {
    State.VALID: "proven",
    State.STALE: "STALE",
    State.MISSING: "MISSING",
    State.WAIVED: "waived",
    State.NOT_NEEDED: "-",
}


def verify_lines(found: Sequence[Standing], strays: Sequence[Path] = ()) -> Iterator[str]:
    """The report of `crossfade verify`."""
    width = max((len(each.route) for each in found), default=0)
    for each in found:
        yield f"{_WORD[each.state]:<8} {each.route:<{width}}  {_remark(each)}".rstrip()
        if each.state in (State.STALE, State.WAIVED) or len(each.reasons) > 1:
            yield from _reasons(each)
        for remark in () if each.receipt is None else each.receipt.proof.remarks:
            yield f"         remark: {remark}"
    if found:
        yield ""
    yield _sum(found)
    for stray in strays:
        yield f"{stray.name}: the receipt of a route that there is not any more"


def _remark(standing: Standing) -> str:
    if standing.state is State.WAIVED:
        return standing.waiver or ""
    if standing.state is State.NOT_NEEDED:
        return "only FastAPI has it: there is nothing to compare with"
    if standing.state is State.MISSING:
        return str(standing.reasons[-1])
    return "" if standing.receipt is None else numbers(standing.receipt)


def numbers(receipt: Receipt) -> str:
    """The numbers of a proof: `8 cases, 5 of them 2xx or 3xx; 120 of 120 mutants killed`."""
    proof = receipt.proof
    return (
        f"{counted(proof.cases, 'case')}, {proof.succeeded} answered 2xx or 3xx; "
        f"{proof.killed} of {proof.mutants} broken answers noticed"
    )


def _reasons(standing: Standing, indent: str = "         ") -> Iterator[str]:
    for reason in standing.reasons[:_MOST_REASONS]:
        yield f"{indent}{reason}"
    if len(standing.reasons) > _MOST_REASONS:
        yield f"{indent}and {len(standing.reasons) - _MOST_REASONS} more"


def _sum(found: Iterable[Standing]) -> str:
    states = Counter(each.state for each in found)
    total = sum(states.values())
    if not total:
        return "no route is native: there is nothing to verify"
    parts = [
        f"{states[state]} {words}"
        for state, words in (
            (State.VALID, "proven"),
            (State.WAIVED, "waived"),
            (State.STALE, "stale"),
            (State.MISSING, "without a receipt"),
            (State.NOT_NEEDED, "only FastAPI's"),
        )
        if states[state]
    ]
    return f"{counted(total, 'native route')}: {', '.join(parts)}"


def verify_values(found: Sequence[Standing], strays: Sequence[Path] = ()) -> dict[str, Any]:
    """The same for machines."""
    return {
        "ok": all(each.state.holds for each in found),
        "routes": [_values(each) for each in found],
        "strays": [stray.name for stray in strays],
    }


def _values(standing: Standing) -> dict[str, Any]:
    proof = None if standing.receipt is None else asdict(standing.receipt.proof)
    return {
        "route": standing.route,
        "stage": standing.stage.value,
        "state": standing.state.value,
        "reasons": [asdict(reason) for reason in standing.reasons],
        "waiver": standing.waiver,
        "proof": proof,
    }


def explain(gateway: Gateway, target: Target, root: Path) -> dict[str, Any]:
    """All that is known of one route, as plain values.

    Args:
        gateway: which serves it.
        target: the route.
        root: where pytest's cache is.
    """
    snapshot, inspector = gateway.live.snapshot, Inspector.of(gateway)
    entry = entry_of(snapshot.table, target)
    flask, fastapi = inspector.code.handlers(target)
    standing = inspector.standing(
        snapshot.table, snapshot.map, target, folder_of(snapshot.map, gateway.live.path)
    )
    status = gateway.route_status(target)
    hooks = []
    if gateway.borrower is not None and target.legacy is not None:
        hooks = gateway.borrower.hooks_around(target.legacy)
    line = None if entry is None else snapshot.map.line(entry)
    return {
        "route": target.route,
        "stage": target.stage.value,
        "served_by": Side(target.stage.value).framework,
        "listed": None if line is None else f"{snapshot.map.file}:{line}",
        "flask": {"endpoint": status["flask"], "at": flask},
        "fastapi": {"handler": status["fastapi"], "at": fastapi},
        "hooks": {"run": target.hooks.value, "around": hooks},
        "rules": rules_of(snapshot.map, entry, target),
        "receipt": _values(standing),
        "cases": [] if standing.receipt is None else list(standing.receipt.cases),
        "last_run": last_run(root, target.route),
        "native_without": status["skipped_hooks"],
        "guards": [{**guard.values(), "text": str(guard)} for guard in gateway.guards(target)],
    }


def explain_lines(known: Mapping[str, Any], most_cases: int = 12) -> Iterator[str]:
    """The same for people."""
    yield known["route"]
    listed = known["listed"] or "not listed: Flask serves what is not"
    yield f"  stage     {known['stage']}, served by {known['served_by']} ({listed})"
    flask, fastapi = known["flask"], known["fastapi"]
    yield f"  Flask     {flask['at'] or '-'}  {flask['endpoint'] or 'has no such route'}"
    yield f"  FastAPI   {fastapi['at'] or '-'}  {fastapi['handler'] or 'has no such route yet'}"
    around = known["hooks"]["around"]
    first = "hooks     " if known["hooks"]["run"] == "flask" else "skips     "
    for number, hook in enumerate(around or ["none"]):
        yield f"  {first if not number else ' ' * 10}{hook}"
    for number, guard in enumerate(known["guards"]):
        yield f"  {' ' * 10 if number else 'view has  '}{guard['text']}"
    for key, value in known["rules"].items():
        if value and key != "hooks":
            yield f"  {key:<9} {value}"
    yield from _explain_receipt(known["receipt"])
    yield from _explain_cases(known, most_cases)


def _explain_receipt(receipt: Mapping[str, Any]) -> Iterator[str]:
    proof = receipt["proof"]
    text = receipt["state"]
    if proof is not None:
        text += (
            f": {counted(proof['cases'], 'case')}, {proof['succeeded']} answered 2xx or 3xx; "
            f"{proof['killed']} of {proof['mutants']} broken answers noticed"
        )
    yield f"  receipt   {text}"
    if receipt["waiver"]:
        yield f"            {receipt['waiver']}"
    for reason in receipt["reasons"][:_MOST_REASONS]:
        place = f"{reason['file']}:{reason['line']}: " if reason["file"] else ""
        yield f"            {place}{reason['text']}"
    for survivor in [] if proof is None else proof["survivors"]:
        yield f"            not noticed: {survivor}"
    for remark in [] if proof is None else proof["remarks"]:
        yield f"            remark: {remark}"


def _explain_cases(known: Mapping[str, Any], most: int) -> Iterator[str]:
    cases = known["cases"]
    for number, case in enumerate(cases[:most]):
        yield f"  {'cases     ' if not number else ' ' * 10}{case.rpartition(' ')[0]}"
    if len(cases) > most:
        yield f"            and {len(cases) - most} more"
    last = known["last_run"]
    if last is None:
        yield "  last run  none is remembered"
        return
    doubt = last["doubt"] or "passed"
    yield f"  last run  {counted(last['cases'], 'case')}: {doubt}"
    for difference in last["differences"]:
        yield f"            {difference}"
