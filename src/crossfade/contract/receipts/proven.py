"""Which routes a run has proven: the accounts of all its tests added up, and its receipts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from crossfade.contract.receipts.code.observed_files import digest_of, ignored_by_git
from crossfade.contract.receipts.left_out import Contract, matches
from crossfade.contract.receipts.store import Basis, Folder, Proof, Receipt, too_weak
from crossfade.contract.reporting.text import NONE_SERVED
from crossfade.contract.run.results import MOST_DIFFERENCES, blind
from crossfade.wording import counted, some

WRITTEN: Final = "receipt written"
UNCHANGED: Final = "receipt unchanged"

WEAKER_OPTION: Final = "--crossfade-weaker-receipts"

_SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")

_NEVER_CHANGED: Final = (
    "no successful POST, PUT, PATCH or DELETE of this run changed contract_state: is it the "
    "application's database, and do its methods work?"
)


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
    made: set[str] = field(default_factory=set)  # cases that nobody wrote
    took_effect: list[bool] = field(default_factory=list)  # each successful unsafe request
    remarks: set[str] = field(default_factory=set)

    @property
    def _native(self) -> list[int]:
        return [status for status in self.cases.values() if status is not None]

    @property
    def _succeeded(self) -> int:
        return sum(
            status is not None and status < 400 and case not in self.turned_away
            for case, status in self.cases.items()
        )

    def add(self, exchange: Mapping[str, Any], remark: str, passed: bool) -> None:
        """Take one exchange of a test."""
        case = exchange["case"]
        self.cases[case] = exchange["native_status"]
        if exchange.get("turned_away"):
            self.turned_away.add(case)
        if exchange.get("made"):
            self.made.add(case)
        if "took_effect" in exchange:
            self.took_effect.append(exchange["took_effect"])
        if remark and case.split(" ")[1] not in _SAFE:
            self.remarks.add(remark)  # of the state, which matters where something is written
        self.exchanges += 1
        self.unfinished += not passed
        self.differing += bool(exchange["differences"])
        self.differences += exchange["differences"]
        for shape, count, survivors in exchange["mutations"]:
            self.mutation[shape] = count, tuple((mutant, rule) for mutant, rule in survivors)

    def blind(self) -> list[dict[str, Any]]:
        """What was not noticed, by the rule because of which it was not."""
        return blind(each for _, found in self.mutation.values() for each in found)

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
            len(self.made),
            tuple(sorted(self.remarks)),
        )

    def doubt(self, least: float = 0.0) -> str:
        """Why the route is not proven by this; "" where it is.

        Args:
            least: the strength that is asked for.
        """
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
        proof = self.proof()
        return too_weak(proof, least) if proof.strength < least else ""


class Verdict(NamedTuple):
    """What a run comes to for one route.

    Attributes:
        doubt: why the run does not prove it; "" where it does.
        receipt: what is to be written; None for nothing.
        withdraw: whether the receipt that there is shows less than is known now.
        kept: why a receipt is left as it is, or not written although nothing is red; "" elsewhere.
        usual: whether that is what a run of a part of the tests always comes to.
    """

    doubt: str = ""
    receipt: Receipt | None = None
    withdraw: bool = False
    kept: str = ""
    usual: bool = False


@dataclass(slots=True)
class Ledger:
    """Collects what tests saw, decides what is proven, writes receipts.

    Attributes:
        pages: by route.
        left_out: contract tests that did not pass.
        asked: patterns of the routes that the run is for; empty for all.
        weaker: whether a receipt may be replaced by one that shows less.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    left_out: tuple[Contract, ...] = ()
    asked: tuple[str, ...] = ()
    weaker: bool = False
    reported: set[str] = field(default_factory=set)
    """Routes that `contract_routes.prove()` has reported."""
    _folder: Folder | None = None
    _least: float = 0.0
    _bases: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _files: set[str] = field(default_factory=set)
    _files_of: dict[str, set[str]] = field(default_factory=dict)
    _digests: dict[str, str | None] = field(default_factory=dict)
    _logins: dict[str, bool] = field(default_factory=dict)
    _with_logins: set[str] = field(default_factory=set)

    def add(self, test: Mapping[str, Any]) -> None:
        """Take what one test saw."""
        passed = test.get("passed", True)
        for exchange in test["exchanges"]:
            if exchange["route"] is not None:
                page = self.pages.setdefault(exchange["route"], Page())
                page.add(exchange, test.get("remark", ""), passed)
        if "route" in test:
            route = test["route"]["route"]
            self.reported.update([route] if test.get("proves") else [])
            for login, made_a_difference in test.get("logins", {}).items():
                self._logins[login] = self._logins.get(login, False) or made_a_difference
                self._with_logins.add(route)
        receipts = test.get("receipts")
        if receipts:
            self._folder = Folder(Path(receipts["folder"]), Path(receipts["base"]))
            self._least = receipts["min_strength"]
            self._bases.update(receipts["bases"])
            self._files.update(receipts["files"]["everywhere"])
            for route, paths in receipts["files"]["by_route"].items():
                self._files_of.setdefault(route, set()).update(paths)

    def strengths(self) -> dict[str, Proof]:
        """The numbers of each route."""
        return {route: page.proof() for route, page in self.pages.items()}

    def remarks(self) -> list[str]:
        """What the run as a whole could not show; noted on the routes that it is about."""
        found = []
        took_effect = [each for page in self.pages.values() for each in page.took_effect]
        if took_effect and not any(took_effect):
            found.append(_NEVER_CHANGED)
            for page in self.pages.values():
                page.remarks.update([_NEVER_CHANGED] if page.took_effect else [])
        for login, made_a_difference in sorted(self._logins.items()):
            if not made_a_difference:
                text = (
                    f"the login {login!r} of contract_logins made no difference to any answer: "
                    "does it log anybody in?"
                )
                found.append(text)
                for route in self._with_logins:
                    if route in self.pages:
                        self.pages[route].remarks.add(text)
        return found

    # --- what it comes to ------------------------------------------------------------------------

    def verdict(self, route: str) -> Verdict:
        """Decide about one route. Where no receipts are asked for, there is none to be written."""
        page = self.pages[route]
        doubt = page.doubt(self._least)
        if doubt:
            return Verdict(doubt, withdraw=bool(page.differing or page.unfinished))
        raw = self._bases.get(route)
        if raw is None or self._folder is None:
            return Verdict()
        tests = [each.test for each in self.left_out if each.concerns(route, self.reported)]
        if tests:
            count = counted(len(tests), "contract test")
            text = f"{count} that may be of it did not run or did not pass: {some(tests, 3)}"
            return Verdict(text, kept=text, usual=True)
        if self.asked and not any(matches(route, pattern) for pattern in self.asked):
            return Verdict(kept="this run is for other routes", usual=True)
        receipt = self._receipt(route, page, raw)
        try:
            before = self._folder.read(route)
        except ValueError:
            before = None  # what can't be read shows nothing
        less = [] if before is None or self.weaker else receipt.proof.weaker_than(before.proof)
        if less:
            text = f"this run shows less than its receipt: {'; '.join(less)}"
            return Verdict(text, kept=f"{text}. {WEAKER_OPTION} replaces it all the same")
        return Verdict(receipt=receipt)

    def write(self) -> Iterator[tuple[str, str, bool]]:
        """Write a receipt for each route that is proven; take back those of what is red.

        Yields:
            the route, what became of its receipt, and whether that is a warning.
        """
        if self._folder is None:
            return
        for route in sorted(self.pages):
            if route not in self._bases:
                continue
            verdict = self.verdict(route)
            exists = self._folder.exists(route)
            if verdict.receipt is not None:
                changed = self._folder.write(verdict.receipt)
                yield route, WRITTEN if changed else UNCHANGED, False
            elif verdict.kept:
                state = "receipt left as it was" if exists else "no receipt"
                yield route, f"{state}: {verdict.kept}", not (verdict.usual and exists)
            else:
                withdrawn = verdict.withdraw and self._folder.withdraw(route)
                taken = "; its receipt is withdrawn" if withdrawn else ""
                yield route, f"no receipt: {verdict.doubt}{taken}", True

    def verdicts(self) -> dict[str, Any]:
        """What is known of each route after this run, as plain values."""
        found = {}
        for route, page in sorted(self.pages.items()):
            proof, verdict = page.proof(), self.verdict(route)
            found[route] = {
                "proven": not verdict.doubt,
                "doubt": verdict.doubt,
                "cases": proof.cases,
                "native": proof.native,
                "succeeded": proof.succeeded,
                "mutants": proof.mutants,
                "killed": proof.killed,
                "survivors": list(proof.survivors),
                "remarks": list(proof.remarks),
                "differences": page.differences[:MOST_DIFFERENCES],
            }
        return found

    def _receipt(self, route: str, page: Page, raw: Mapping[str, Any]) -> Receipt:
        basis = Basis(
            raw["code"],
            tuple(raw["packages"]),
            raw["rules"],
            raw["versions"],
            tuple(raw["entry"]),
            self._hashes(route),
        )
        return Receipt(route, page.proof(), basis, tuple(sorted(page.cases)))

    def _hashes(self, route: str) -> dict[str, str]:
        """The files that were seen to be used; after a part of the tests the receipt's as well."""
        assert self._folder is not None  # the caller has it
        base = self._folder.base
        paths = self._files | self._files_of.get(route, set())
        if self.left_out or self.asked:
            try:
                before = self._folder.read(route)
            except ValueError:
                before = None
            known = {} if before is None else before.basis.files
            paths |= {
                os.path.normpath(base / name) + (os.sep if name.endswith("/") else "")
                for name in known
            }
        new = paths - self._digests.keys()
        ignored = ignored_by_git(new, base)
        self._digests.update({p: None if p in ignored else digest_of(Path(p)) for p in new})
        found = {_from(base, path): self._digests[path] for path in paths}
        return {name: digest for name, digest in sorted(found.items()) if digest is not None}


def _from(base: Path, path: str) -> str:
    """A path as receipts have it: from the map's folder; a folder's ends with a slash."""
    name = Path(os.path.relpath(path, base)).as_posix()
    return f"{name}/" if path.endswith(os.sep) else name
