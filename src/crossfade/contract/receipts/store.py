"""Receipts: what a route's contract proved, and of what code.

A receipt is a TOML file, one per route, made to be committed and read in a diff. It is written when
every case of the route passed, and it is valid as long as nothing that it names has changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from crossfade.files import read_small, replace_file
from crossfade.migration_map.positions import loads
from crossfade.wording import counted

FORMAT: Final = 2
"""The number of this format; a receipt of another is stale."""

PACKAGES: Final = ("crossfade", "flask", "werkzeug", "fastapi", "starlette", "pydantic")
"""The packages whose versions a receipt holds."""

GROUPS: Final = ("flask", "fastapi", "application")
"""Whose code a part is: one of the two handlers', or what stands around every route."""

_HEAD: Final = """\
# Every case of this route passed. Written by `pytest --crossfade-receipts`; commit it.
# `crossfade verify` says whether it still holds.
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """The numbers of a contract that passed.

    Attributes:
        cases: requests that were compared.
        native: how many of them FastAPI answered.
        succeeded: how many of these were answered 2xx or 3xx.
        mutants: broken responses that the comparison was asked about.
        killed: how many of them it noticed.
        survivors: the others, each with the rule that lets it live.
        probes: how many of the cases were made from the URL map, and written by nobody.
        remarks: what a reader has to know of the run: what it could not show.
    """

    cases: int = 0
    native: int = 0
    succeeded: int = 0
    mutants: int = 0
    killed: int = 0
    survivors: tuple[str, ...] = ()
    probes: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def strength(self) -> float:
        """Killed mutants as a share of all; 0.0 where there are none: nothing was tried."""
        return self.killed / self.mutants if self.mutants else 0.0

    def weaker_than(self, other: Proof) -> list[str]:
        """What this shows less of than another proof of the same route, in words."""
        found = []
        if self.cases < other.cases:
            found.append(f"{counted(self.cases, 'case')}, not {other.cases}")
        if self.succeeded < other.succeeded:
            found.append(f"{self.succeeded} answered 2xx or 3xx, not {other.succeeded}")
        if other.probes and not self.probes:
            found.append("none of the cases that contract_routes.prove() makes")
        if round(self.strength, 3) < round(other.strength, 3):
            found.append(f"strength {self.strength:.1%}, not {other.strength:.1%}")
        return found


@dataclass(frozen=True, slots=True)
class Basis:
    """What a proof stands on: it holds while none of this changes.

    Attributes:
        code: for each group, the hash of every part of the project's code that was reached.
        packages: the top-level packages that counted as the project's own.
        rules: what the map says about comparing and serving the route, as plain values.
        versions: of the packages that both sides are made of, and of those that a handler is of.
        entry: the modules in which the two applications were put together.
        files: other files of the project that were seen to be used, by their path from the map's
            folder, with the hash of each.
    """

    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    rules: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    entry: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that a route's contract passed.

    Attributes:
        route: as the gateway spells it.
        proof: the numbers.
        basis: what it stands on.
        cases: one line for each request, sorted.
        format: the number of the format that it was written in.
    """

    route: str
    proof: Proof
    basis: Basis
    cases: tuple[str, ...] = ()
    format: int = FORMAT

    def to_toml(self) -> str:
        """The file's text: the same for the same proof."""
        basis = self.basis
        lines = [_HEAD.rstrip(), f"route = {_text(self.route)}", f"format = {FORMAT}"]
        lines.append(f"packages = {_inline(basis.packages)}")
        lines.append(f"entry = {_inline(basis.entry)}")
        lines += _table("proof", asdict(self.proof))
        lines += _table("versions", basis.versions)
        lines += _table("rules", basis.rules)
        lines += _table("files", basis.files)
        for group in GROUPS:
            lines += _table(f"code.{group}", basis.code.get(group, {}))
        lines += ["", "[requests]", "cases = ["]
        lines += [f"  {_text(case)}," for case in self.cases]
        lines += ["]", ""]
        return "\n".join(lines)

    @classmethod
    def from_toml(cls, text: str) -> Receipt:
        """Read a file's text.

        Raises:
            ValueError: it is no receipt.
        """
        raw = loads(text)
        try:
            known = {name: raw["proof"][name] for name in _PROOF if name in raw["proof"]}
            proof = Proof(**{key: _frozen(value) for key, value in known.items()})
            basis = Basis(
                code={group: dict(raw["code"].get(group, {})) for group in GROUPS},
                packages=tuple(raw["packages"]),
                rules=dict(raw["rules"]),
                versions=dict(raw["versions"]),
                entry=tuple(raw.get("entry", ())),
                files=dict(raw.get("files", {})),
            )
            cases = tuple(raw["requests"]["cases"])
            receipt = cls(str(raw["route"]), proof, basis, cases, int(raw["format"]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{error!r} is missing or of a wrong type") from error
        receipt._check()
        return receipt

    def _check(self) -> None:
        """Raise `ValueError` where a value is not of its type."""
        numbers = ("cases", "native", "succeeded", "mutants", "killed", "probes")
        counts = [getattr(self.proof, name) for name in numbers]
        basis = self.basis
        hashes = [basis.files, basis.versions, *basis.code.values()]
        texts = [*self.cases, *self.proof.survivors, *self.proof.remarks]
        texts += [*basis.packages, *basis.entry, *(v for each in hashes for v in each.values())]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("a number of [proof] is missing or of a wrong type")
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a list or table has something else than text")

    def gaps(self, least: float) -> Iterator[str]:
        """Why this is no proof, whatever it stands on: in words.

        Args:
            least: the strength that is asked for.
        """
        proof = self.proof
        if not self.cases or proof.cases != len(self.cases):
            yield f"it lists {len(self.cases)} cases and counts {proof.cases}"
        elif not 0 < proof.native <= proof.cases:
            yield "none of its cases was answered by FastAPI"
        elif not 0 < proof.succeeded <= proof.native:
            yield "none of its cases was answered 2xx or 3xx"
        if not 0 < proof.killed <= proof.mutants:
            yield f"{proof.killed} of {proof.mutants} broken answers noticed"
        elif proof.strength < least:
            yield too_weak(proof, least)


def too_weak(proof: Proof, least: float) -> str:
    """The words for a comparison that notices too little."""
    return (
        f"{proof.killed} of {proof.mutants} broken answers noticed ({proof.strength:.0%}), "
        f"which is less than min_strength = {least:g} of the map's [contracts]"
    )


_PROOF: Final = tuple(each.name for each in fields(Proof))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def versions() -> dict[str, str]:
    """The versions of what both sides are made of, as they are installed now."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


# --- files -------------------------------------------------------------------------------------


def file_name(route: str) -> str:
    """The name of a route's file: readable, the same everywhere, unlike any other route's.

    >>> file_name("GET /users/<int:user_id>")
    'GET-users-int-user_id-9163e14a.toml'
    """
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", route).strip("-.")[:80]
    return f"{plain}-{hashlib.sha256(route.encode()).hexdigest()[:8]}.toml"


class Folder:
    """A project's receipts.

    Args:
        path: where they lie.
        base: the map's folder, from which receipts count the paths of files.
    """

    def __init__(self, path: Path, base: Path | None = None) -> None:
        self.path = path
        self.base = path.parent if base is None else base

    def read(self, route: str) -> Receipt | None:
        """The receipt of a route; None where there is none.

        Raises:
            ValueError: there is a file, and it is no receipt of this route.
        """
        file = self.path / file_name(route)
        try:
            text = read_small(file).decode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ValueError(f"{file} can't be read: {error.strerror or error}") from error
        try:
            receipt = Receipt.from_toml(text)
        except ValueError as error:
            raise ValueError(f"{file} can't be read: {error}") from error
        if receipt.route != route:
            raise ValueError(f"{file} is the receipt of {receipt.route}")
        return receipt

    def write(self, receipt: Receipt) -> bool:
        """Keep a receipt; return whether the file changed."""
        file = self.path / file_name(receipt.route)
        text = receipt.to_toml()
        try:
            if read_small(file) == text.encode():
                return False
        except OSError:
            pass  # there is none, or something else that gives way
        self.path.mkdir(parents=True, exist_ok=True)
        replace_file(file, text.encode())
        return True

    def exists(self, route: str) -> bool:
        """Whether there is a receipt of a route, good or not."""
        return (self.path / file_name(route)).is_file()

    def withdraw(self, route: str) -> bool:
        """Take a route's receipt away; return whether there was one."""
        file = self.path / file_name(route)
        existed = file.is_file()
        file.unlink(missing_ok=True)
        return existed

    def strays(self, routes: Iterable[str]) -> list[Path]:
        """The files here that belong to none of these routes."""
        known = {file_name(route) for route in routes}
        return sorted(file for file in self.path.glob("*.toml") if file.name not in known)


# --- text --------------------------------------------------------------------------------------


def _table(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"[{name}]"
    for key, value in values.items():
        bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
        yield f"{key if bare else _text(key)} = {_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = (f"{_text(str(key))} = {_inline(each)}" for key, each in value.items())
        return "{ " + ", ".join(pairs) + " }"
    return "[" + ", ".join(_inline(each) for each in value) + "]"


def _text(value: str) -> str:
    # A JSON string is a TOML basic string, but for DEL and half a surrogate pair.
    clean = value.encode("utf-8", "replace").decode()
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007f")
