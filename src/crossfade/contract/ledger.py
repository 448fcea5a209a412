"""The account of a run, route by route: what was compared, and which routes are proven by it.

What a worker sees goes through plain values, so that pytest-xdist can carry them to the process
that writes receipts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crossfade.contract.mutation import Compare, Explain, Memory, Strength, no_rules
from crossfade.contract.receipts import Basis, Folder, Proof, Receipt
from crossfade.contract.report import NONE_SERVED
from crossfade.contract.runner import Outcome
from crossfade.contract.validity import Inspector, folder_of
from crossfade.dispatch import Gateway
from crossfade.exchange import Request
from crossfade.wording import counted, visible

_BOUNDARY: Final = re.compile(rb'boundary="?([^";,\s]+)')
_MOST_DIFFERENCES: Final = 20  # that are remembered of one route


# --- in the process that sends requests --------------------------------------------------------

_memory = Memory()
_inspectors: dict[int, tuple[Gateway, Inspector]] = {}


def strength_of(
    outcome: Outcome, compare: Compare, explain: Explain = no_rules, rules: tuple[str, ...] = ()
) -> tuple[str, Strength]:
    """How well the comparison of an exchange that passed would have noticed another answer.

    Args:
        outcome: of which FastAPI answered one side.
        compare: as in `mutation`.
        explain: the rules.
        rules: the rules as text: with others the same response is tried anew.
    """
    legacy, native = outcome.legacy.response, outcome.native.response
    return _memory.strength((native_route(outcome), *rules), legacy, native, compare, explain)


def native_route(outcome: Outcome) -> str:
    """The route of an exchange, "" where no rule owns it."""
    return outcome.native.route or ""


def too_weak(outcome: Outcome, strength: Strength) -> str:
    """The text of a comparison that does not notice broken answers."""
    lines = [
        f"this contract can't fail: {outcome.legacy.request.line}",
        "",
        f"  {len(strength.unexplained)} of {strength.mutants} broken answers would pass as "
        "FastAPI's, and no rule of the map says why:",
    ]
    lines += [f"    {each.mutant}" for each in strength.unexplained[:12]]
    return "\n".join(lines)


def facts(outcome: Outcome, strength: tuple[str, Strength] | None) -> dict[str, Any]:
    """One exchange as plain values, for `Ledger.add`."""
    request = outcome.legacy.request
    line = f"{request.line}: "
    found: dict[str, Any] = {
        "case": f"{outcome.legacy.response.status} {case_line(request)}",
        "native_status": outcome.native.response.status if outcome.is_native else None,
        "differences": [
            visible(f"{line}{each.where}: Flask {each.legacy}, FastAPI {each.native}")[:300]
            for each in outcome.differences[:_MOST_DIFFERENCES]
        ],
    }
    if outcome.turned_away:
        found["turned_away"] = True
    if strength is not None:
        shape, result = strength
        survivors = [[each.mutant, each.rule] for each in result.survivors]
        found["mutation"] = [shape, result.mutants, survivors]
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
    """What receipts for these routes would stand on, as plain values for `Ledger.add`."""
    if id(gateway) not in _inspectors:
        _inspectors.clear()  # one application at a time
        _inspectors[id(gateway)] = gateway, Inspector.of(gateway)
    inspector = _inspectors[id(gateway)][1]
    snapshot = gateway.live.snapshot
    wanted = set(routes)
    bases = {}
    for target in snapshot.table.targets():
        if target.route in wanted and target.legacy is not None and target.native is not None:
            basis = inspector.basis(snapshot.table, snapshot.map, target)
            bases[target.route] = {
                "code": basis.code,
                "packages": list(basis.packages),
                "rules": basis.rules,
                "versions": basis.versions,
            }
            wanted.discard(target.route)
    return {"folder": str(folder_of(snapshot.map, gateway.live.path).path), "bases": bases}


# --- in the process that writes ----------------------------------------------------------------


@dataclass(slots=True)
class Page:
    """What a run showed of one route."""

    cases: dict[str, int | None] = field(default_factory=dict)  # to FastAPI's status
    exchanges: int = 0
    differing: int = 0
    unfinished: int = 0  # exchanges of tests that did not pass
    mutation: dict[str, tuple[int, tuple[tuple[str, str], ...]]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    turned_away: set[str] = field(default_factory=set)  # cases that were sent to log in

    @property
    def _native(self) -> list[int]:
        return [status for status in self.cases.values() if status is not None]

    @property
    def _succeeded(self) -> int:
        return sum(
            status is not None and status < 400 and case not in self.turned_away
            for case, status in self.cases.items()
        )

    def proof(self) -> Proof:
        """The numbers."""
        mutants = sum(count for count, _ in self.mutation.values())
        survivors = [each for _, found in self.mutation.values() for each in found]
        named = sorted({f"{mutant}: {rule or 'no rule says why'}" for mutant, rule in survivors})
        return Proof(
            len(self.cases),
            len(self._native),
            self._succeeded,
            mutants,
            mutants - len(survivors),
            tuple(named),
        )

    def doubt(self) -> str:
        """Why the route is not proven by this; "" where it is."""
        unexplained = sorted(
            {m for _, found in self.mutation.values() for m, rule in found if not rule}
        )
        if self.differing:
            return f"{counted(self.differing, 'exchange')} of {self.exchanges} differ"
        if self.unfinished:
            return f"{counted(self.unfinished, 'exchange')} of tests that failed or were skipped"
        if not self._native:
            return "all answered by Flask: nothing is proven"
        if not self._succeeded:
            return NONE_SERVED
        if unexplained:
            return f"broken answers pass: {', '.join(unexplained[:3])}"
        return ""


@dataclass(slots=True)
class Ledger:
    """Collects what tests saw, decides what is proven, writes receipts.

    Attributes:
        pages: by route.
        narrowed: whether some tests were left out of the run on purpose, or it ended early.
        lost: contract tests that did not pass and sent nothing: nobody knows of which route.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    narrowed: bool = False
    lost: int = 0
    _folder: str | None = None
    _bases: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, test: Mapping[str, Any]) -> None:
        """Take what one test saw."""
        passed = test.get("passed", True)
        if not passed and not test["exchanges"]:
            self.lost += 1
        for exchange in test["exchanges"]:
            if exchange["route"] is None:
                continue
            self._take(self.pages.setdefault(exchange["route"], Page()), exchange, passed)
        receipts = test.get("receipts")
        if receipts:
            self._folder = receipts["folder"]
            self._bases.update(receipts["bases"])

    def _take(self, page: Page, exchange: Mapping[str, Any], passed: bool) -> None:
        page.cases[exchange["case"]] = exchange["native_status"]
        if exchange.get("turned_away"):
            page.turned_away.add(exchange["case"])
        page.exchanges += 1
        page.unfinished += not passed
        page.differing += bool(exchange["differences"])
        page.differences += exchange["differences"]
        if "mutation" in exchange:
            shape, count, survivors = exchange["mutation"]
            page.mutation[shape] = count, tuple((mutant, rule) for mutant, rule in survivors)

    def strengths(self) -> dict[str, Proof]:
        """The numbers of each route."""
        return {route: page.proof() for route, page in self.pages.items()}

    def write(self) -> Iterator[tuple[str, str, bool]]:
        """Write a receipt for each route that is proven; take back those of what is red.

        Yields:
            the route, what became of its receipt, and whether that is a warning.
        """
        if self._folder is None:
            return
        folder = Folder(Path(self._folder))
        for route, page in sorted(self.pages.items()):
            raw = self._bases.get(route)
            if raw is None:
                continue
            doubt = page.doubt()
            if page.differing or page.unfinished:
                taken = "; its receipt is withdrawn" if folder.withdraw(route) else ""
                yield route, f"no receipt: {doubt}{taken}", True
            elif doubt:
                yield route, f"no receipt: {doubt}", True
            else:
                yield self._write_one(folder, route, page, raw)

    def _write_one(
        self, folder: Folder, route: str, page: Page, raw: Mapping[str, Any]
    ) -> tuple[str, str, bool]:
        basis = Basis(raw["code"], tuple(raw["packages"]), raw["rules"], raw["versions"])
        receipt = Receipt(route, page.proof(), basis, tuple(sorted(page.cases)))
        missing = self._left_out(folder, receipt)
        if missing:
            text = f"receipt left as it was: {counted(missing, 'case')} of it did not run this time"
            return route, text, True
        changed = folder.write(receipt)
        return route, "receipt written" if changed else "receipt unchanged", False

    def _left_out(self, folder: Folder, receipt: Receipt) -> int:
        """How many cases of the last receipt a partial run did not repeat."""
        if not self.narrowed and not self.lost:
            return 0
        try:
            before = folder.read(receipt.route)
        except ValueError:
            return 0
        return 0 if before is None else len(set(before.cases) - set(receipt.cases))

    def verdicts(self) -> dict[str, Any]:
        """What is known of each route after this run, as plain values."""
        found = {}
        for route, page in sorted(self.pages.items()):
            proof = page.proof()
            found[route] = {
                "proven": not page.doubt(),
                "doubt": page.doubt(),
                "cases": proof.cases,
                "native": proof.native,
                "succeeded": proof.succeeded,
                "mutants": proof.mutants,
                "killed": proof.killed,
                "survivors": list(proof.survivors),
                "differences": page.differences[:_MOST_DIFFERENCES],
            }
        return found
