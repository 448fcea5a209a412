"""What the process that sends requests notes of them, for the one that writes receipts.

It goes through plain values, so that pytest-xdist can carry it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from crossfade.contract.comparison.mutation import Memory, Strength
from crossfade.contract.comparison.state_mutation import state_shape, state_strength
from crossfade.contract.engine.comparison import Judge
from crossfade.contract.engine.runner import Outcome
from crossfade.contract.receipts.code.observed import observer
from crossfade.contract.receipts.code.observed_files import sort_out
from crossfade.contract.receipts.verify import Inspector, folder_of
from crossfade.gateway.dispatch import Gateway
from crossfade.messages.exchange import Request
from crossfade.wording import visible

_BOUNDARY: Final = re.compile(rb'boundary="?([^";,\s]+)')
MOST_DIFFERENCES: Final = 20
"""That are remembered of one route."""


_memory = Memory()
_states: dict[tuple[str, ...], Strength] = {}
_inspectors: dict[int, tuple[Gateway, Inspector]] = {}


Strengths = tuple[tuple[str, Strength], ...]
"""How well comparisons would have noticed something broken, each by the shape of what was tried."""


def strengths_of(outcome: Outcome, judge: Judge) -> Strengths:
    """How well the comparison of an exchange that passed would have noticed another answer.

    And another state, where there is one.

    Args:
        outcome: of which FastAPI answered one side.
        judge: compares, and knows the rules.
    """
    explain = partial(judge.explain, outcome)
    legacy, native = outcome.legacy.response, outcome.native.response
    about = (native_route(outcome), *judge.grounds(outcome))
    compare = judge.compare_of(outcome)
    found = [_memory.strength(about, legacy, native, compare, explain)]
    if outcome.left:
        shape = state_shape(outcome.left)
        key = (*about, shape)
        if key not in _states:
            _states[key] = state_strength(outcome.left, explain)
        found.append((shape, _states[key]))
    asked = judge.rules.asked(outcome)  # what passes here may not pass elsewhere
    return tuple((f"{shape} {asked}".rstrip(), strength) for shape, strength in found)


def native_route(outcome: Outcome) -> str:
    """The route of an exchange, "" where no rule owns it."""
    return outcome.native.route or ""


def too_weak(outcome: Outcome, strengths: Strengths) -> str:
    """The text of a comparison that does not notice something broken; "" for one that does."""
    strength = next((each for _, each in strengths if each.unexplained), None)
    if strength is None:
        return ""
    lines = [
        f"this contract can't fail: {outcome.legacy.request.line}",
        "",
        f"  {len(strength.unexplained)} of {strength.mutants} broken answers would pass as "
        "FastAPI's, and no rule of the map says why:",
    ]
    lines += [f"    {each.mutant}" for each in strength.unexplained[:12]]
    return "\n".join(lines)


def blind(survivors: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """What was not noticed, by the rule because of which it was not, as plain values.

    Args:
        survivors: each broken answer or state with its rule; those of every shape.
    """
    found: dict[str, list[str]] = {}
    for mutant, rule in survivors:
        found.setdefault(rule, []).append(mutant)
    return [
        {"rule": rule, "count": len(names), "mutants": sorted(set(names))}
        for rule, names in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def facts(outcome: Outcome, strengths: Strengths, *, made: bool = False) -> dict[str, Any]:
    """One exchange as plain values, for `proven.Ledger.add`.

    Args:
        outcome: what it showed.
        strengths: what `strengths_of` returned; () where nothing was tried.
        made: whether the case was made from the URL map, and written by nobody.
    """
    request = outcome.legacy.request
    line = f"{request.line}: "
    found: dict[str, Any] = {
        "case": f"{outcome.legacy.response.status} {case_line(request)}",
        "native_status": outcome.native.response.status if outcome.is_native else None,
        "differences": [
            visible(f"{line}{each.where}: Flask {each.legacy}, FastAPI {each.native}")[:300]
            for each in outcome.differences[:MOST_DIFFERENCES]
        ],
    }
    if made:
        found["made"] = True
    if outcome.turned_away:
        found["turned_away"] = True
    if outcome.took_effect is not None:
        found["took_effect"] = outcome.took_effect
    found["mutations"] = [
        [shape, result.mutants, [[each.mutant, each.rule] for each in result.survivors]]
        for shape, result in strengths
    ]
    return found


def case_line(request: Request) -> str:
    """A request in one line, the same in each run: what changes by itself is left out.

    Those are the boundary of a multipart body and the values of cookies.
    """
    line = request.line if len(request.line) <= 120 else f"{request.line[:117]}..."
    headers = [
        (name, "; ".join(pair.partition("=")[0].strip() for pair in value.split(";")))
        if name == "cookie"
        else (name, value)
        for name, value in request.headers
    ]
    sent = repr((request.method, request.target, headers)).encode() + b"\n" + request.body
    kind = next(iter(request.values("content-type")), "").encode("latin-1")
    boundary = _BOUNDARY.search(kind)
    if boundary is not None:
        sent = sent.replace(boundary[1], b"boundary")
    return f"{line} {hashlib.sha256(sent).hexdigest()[:12]}"


def grounds(gateway: Gateway, routes: Iterable[str]) -> dict[str, Any]:
    """What receipts stand on, as plain values for `proven.Ledger.add`.

    Args:
        gateway: which serves the routes.
        routes: of which it is not known yet. What the application was seen to use is told anew.
    """
    if id(gateway) not in _inspectors:
        _inspectors.clear()  # one application at a time
        _inspectors[id(gateway)] = gateway, Inspector.of(gateway)
    inspector = _inspectors[id(gateway)][1]
    snapshot = gateway.live.snapshot
    wanted = set(routes)
    bases = {}
    for target in snapshot.table.targets():
        if target.route in wanted and target.legacy is not None and target.native is not None:
            basis = inspector.basis(snapshot.table, snapshot.map, target, gateway.entry)
            bases[target.route] = {
                "code": basis.code,
                "packages": list(basis.packages),
                "rules": basis.rules,
                "versions": basis.versions,
                "entry": list(basis.entry),
            }
            wanted.discard(target.route)
    folder = folder_of(snapshot.map, gateway.live.path)
    return {
        "folder": str(folder.path),
        "base": str(folder.base),
        "min_strength": snapshot.map.contracts.min_strength,
        "bases": bases,
        "files": _files(inspector, gateway, folder.base),
    }


def _files(inspector: Inspector, gateway: Gateway, base: Path) -> dict[str, Any]:
    """The files that were seen to be used: for every route, and for single ones."""
    code, entry = inspector.code, gateway.entry
    own, told = code.all_files(entry), observer.seen.told
    found = sort_out(observer.seen, code.loaded(entry), own, base)
    but = {str(gateway.live.path.absolute()), *own, *told.setdefault("", set())}
    everywhere = found.everywhere - but
    by_route = {
        route: sorted(paths - but - told.setdefault(route, set()))
        for route, paths in found.by_route.items()
    }
    for route, paths in {"": everywhere, **by_route}.items():
        told[route].update(paths)
    return {
        "everywhere": sorted(everywhere),
        "by_route": {route: paths for route, paths in by_route.items() if paths},
    }
