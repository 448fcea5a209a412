r"""Cases: the requests of contracts as plain text, one file of which reads well in a diff.

    # @route POST /users

    ### a good body
    POST /users
    content-type: application/json

    {"name": "Ada"}

    ### not JSON, by a member
    # @login ada
    # @origin har:shop.har
    POST /users?page=%2F
    content-type: application/json

    {"name":

The form is that of `.http` files. A case begins with `###` and its name. Then come settings
(`# @key value`), the request line, headers, and after an empty line the body. Other lines that
begin with `#` are comments. A setting above the first case holds for every case of the file.

| setting | says |
| --- | --- |
| `@route` | the route as the gateway spells it; without it Flask's URL map says which it is |
| `@login` | who asks: a name of the fixture `contract_logins`; without it nobody is logged in |
| `@sequence` | cases of one name run one after the other, each side on what it left itself |
| `@client` | whose cookies it has, where more than one client takes part in a sequence |
| `@save` | what later cases of the sequence take from the answer: see `contract.references` |
| `@origin` | where the case comes from: `har:shop.har`, `tests/test_users.py::test_create` |
| `@body` | `escaped` or `base64`, see below |

Every byte is kept. In the request line and in headers `\xff` is a byte and `\\` a backslash. A body
stands as it is, UTF-8, without empty lines around it; any other is `escaped`: `\n`, `\r`, `\t`,
`\\`, `\xff` and `\(x*500)` for 500 times x, and the file's own line breaks do not count.

What every client sends (`host`, and `content-length` where there is a body) may be left out:
`complete` adds it when the case is sent.

    cases = read_cases("contracts/users.http")     # raises CaseError with every problem at once
    Path("contracts/users.http").write_bytes(dump_cases(cases).encode())
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from crossfade.contract.cases.bodies import dump_body, escaped
from crossfade.contract.cases.escapes import MOST_BYTES, Room, Wrong, unescape
from crossfade.contract.cases.references import Save, parse_save
from crossfade.contract.errors import ContractError
from crossfade.errors import Problem, Suggester
from crossfade.files import read_small
from crossfade.messages.exchange import Request


@dataclass(frozen=True, slots=True)
class Case:
    """One request that both sides have to answer alike.

    Attributes:
        request: as it is sent, byte for byte; `complete` adds what every client adds.
        name: what it is for, in one line.
        route: the route as the gateway spells it; "" where the URL map shall say.
        login: who asks, a name of the fixture `contract_logins`; "" for nobody.
        sequence: cases that share it run one after the other and keep rows and cookies between
            them; "" for a case that stands alone.
        origin: where it comes from; "" where it was written by hand.
        client: which client of the sequence sends it; each has cookies of its own.
        saves: values of its answer that later cases of the sequence refer to.
    """

    request: Request
    name: str
    route: str = ""
    login: str = ""
    sequence: str = ""
    origin: str = ""
    client: str = ""
    saves: tuple[Save, ...] = ()


class CaseError(ContractError):
    """A file of cases can't be read. `problems` is never empty and in the file's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def complete(request: Request, host: str) -> Request:
    """Return the request with the `host` and `content-length` that any client would send.

    Args:
        request: one that names either keeps its own.
        host: with its port, if that is not the scheme's own.
    """
    names = {name for name, _ in request.headers}
    added = [] if "host" in names else [("host", host)]
    framed = not names.isdisjoint(("content-length", "transfer-encoding"))
    if not framed and (request.body or request.method in ("POST", "PUT", "PATCH")):
        added.append(("content-length", str(len(request.body))))
    return replace(request, headers=(*added, *request.headers)) if added else request


# --- reading -----------------------------------------------------------------------------------

_TEXTS: Final = ("route", "login", "sequence", "origin", "client")
_SETTINGS: Final = (*_TEXTS, "save", "body")
_BODIES: Final = ("text", "escaped", "base64")
_SETTING = re.compile(r"#\s*@(?P<key>[\w-]*)\s*(?P<value>.*)")


def read_cases(path: str | Path) -> tuple[Case, ...]:
    """Read a file of cases.

    Raises:
        CaseError: with every problem at once.
    """
    try:
        text = read_small(path, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = Problem(str(path), line, "", "the file is not UTF-8", "Save it as UTF-8.")
        raise CaseError([problem]) from None
    except OSError as error:
        raise CaseError(
            [Problem(str(path), None, "", f"can't be read: {error.strerror}")]
        ) from None
    return parse_cases(text, str(path))


def parse_cases(text: str, file: str) -> tuple[Case, ...]:
    """Return the cases of a text in its order.

    Args:
        text: in the form that the module's docstring shows.
        file: the name that problems carry.

    Raises:
        CaseError: with every problem at once.
    """
    blocks: list[list[str]] = [[]]
    starts = [1]
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")  # git may have written the file with Windows' line ends
        if line.startswith("###"):
            blocks.append([])
            starts.append(number)
        blocks[-1].append(line)
    problems: list[Problem] = []
    room = Room()
    defaults = _Block(file, 0, "", problems, room).settings(enumerate(blocks[0], 1), [], stray=True)
    cases = [
        _Block(file, start, lines[0].lstrip("#").strip(), problems, room).case(lines[1:], defaults)
        for start, lines in zip(starts[1:], blocks[1:], strict=True)
    ]
    if problems:
        raise CaseError(problems)
    return tuple(case for case in cases if case is not None)


@dataclass(frozen=True, slots=True)
class _Block:
    """One case's part of a file."""

    file: str
    start: int
    name: str
    problems: list[Problem]
    room: Room

    def case(self, lines: Sequence[str], defaults: dict[str, str]) -> Case | None:
        """Return the case, or None after noting why there is none."""
        before = len(self.problems)
        numbered = enumerate(lines, self.start + 1)
        saves: list[Save] = []
        settings = {**defaults, **self.settings(numbered, saves)}
        at = next(
            (i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), None
        )
        if at is None:
            remedy = "Write one below the name: GET /users/1"
            self._note(self.start, "the case has no request line", remedy)
            return None
        try:
            request = self._request(lines[at:], self.start + 1 + at, settings.get("body", "text"))
        except Wrong as wrong:
            self._note(*wrong.args)
            return None
        if len(self.problems) > before:
            return None
        known = {key: settings.get(key, "") for key in _TEXTS}
        return Case(request, self.name or request.line, saves=tuple(saves), **known)

    def settings(
        self, lines: Iterable[tuple[int, str]], saves: list[Save], *, stray: bool = False
    ) -> dict[str, str]:
        """Return the settings above a request line; what is to be saved goes into a list."""
        found: dict[str, str] = {}
        for number, line in lines:
            if not line.startswith("#"):
                if not line.strip():
                    continue
                if stray:
                    self._note(
                        number, f"{line!r} belongs to no case", "Begin it with ### and a name."
                    )
                break
            match = _SETTING.fullmatch(line)
            if match is None:
                continue
            key, value = match["key"], match["value"].strip()
            if key not in _SETTINGS:
                remedy = Suggester().nearest(key, _SETTINGS)
                remedy = remedy or f"Known are {', '.join(_SETTINGS)}."
                self._note(number, f"unknown setting @{key}", remedy)
            elif key == "save":
                save = parse_save(value)
                if save is None:
                    self._note(number, f"can't save {value!r}", "Write token = body.access_token")
                else:
                    saves.append(save)
            elif key == "body" and value not in _BODIES:
                self._note(number, f"unknown form of a body: {value!r}", f"Use {_any_of(_BODIES)}.")
            else:
                found[key] = value
        return found

    def _request(self, lines: Sequence[str], number: int, form: str) -> Request:
        method, blank, target = lines[0].partition(" ")
        if not blank or not target or " " in target:
            reason = f"{lines[0]!r} is no request line"
            raise Wrong(number, reason, "Write method and target: GET /users/1?page=2")
        headers = []
        end = next((i for i, line in enumerate(lines) if not line), len(lines))
        for offset, line in enumerate(lines[1:end], 1):
            if line.startswith("#"):
                continue
            name, colon, value = line.partition(":")
            if not colon:
                remedy = "Write name: value, and an empty line before the body."
                raise Wrong(number + offset, f"{line!r} is no header", remedy)
            text = unescape(value.strip(), number + offset, self.room)
            plain = unescape(name, number + offset, self.room).decode("latin-1").lower()
            headers.append((plain, text))
        return Request(
            unescape(method, number, self.room).decode("latin-1"),
            unescape(target, number, self.room),
            tuple((name, value.decode("latin-1")) for name, value in headers),
            _read_body(lines[end:], number + end, form, self.room),
        )

    def _note(self, line: int, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, line, self.name, reason, remedy))


def _read_body(lines: Sequence[str], number: int, form: str, room: Room) -> bytes:
    if form == "escaped":
        return b"".join(unescape(line, number + i, room) for i, line in enumerate(lines))
    if form == "base64":
        try:
            return base64.b64decode("".join(lines), validate=True)
        except ValueError:
            raise Wrong(number + 1, "the body is no base64", "") from None
    return "\n".join(lines).strip("\n").encode()


def _any_of(words: Sequence[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1]))


# --- writing -----------------------------------------------------------------------------------


def dump_cases(cases: Iterable[Case]) -> str:
    """Return the text of a file of cases; `parse_cases` gives the same cases back."""
    every = tuple(cases)
    routes = {case.route for case in every}
    common = routes.pop() if len(routes) == 1 else ""
    head = f"# @route {common}\n\n" if common else ""
    return head + "\n".join(_dump(case, common) for case in every)


def _dump(case: Case, common: str) -> str:
    request = case.request
    lines = [f"### {_one_line(case.name)}".rstrip()]
    settings = {
        "route": "" if case.route == common else case.route,
        "login": case.login,
        "sequence": case.sequence,
        "client": case.client,
        "origin": case.origin,
    }
    lines += [f"# @{key} {_one_line(value)}" for key, value in settings.items() if value]
    lines += [f"# @save {save}" for save in case.saves]
    form, body = dump_body(request.body)
    if form != "text":
        lines.append(f"# @body {form}")
    lines.append(f"{_token(request.method.encode('latin-1'))} {_token(request.target)}")
    lines += [
        f"{_token(name.encode('latin-1'), ':')}: {_value(value)}".rstrip()
        for name, value in request.headers
    ]
    return "\n".join([*lines, *(["", *body] if body else []), ""])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _token(raw: bytes, also: str = "") -> str:
    """Text without blanks, for the request line and the names of headers."""
    text = "".join(
        escaped(byte) if not 0x20 < byte < 0x7F or chr(byte) in "\\" + also else chr(byte)
        for byte in raw
    )
    return escaped(ord("#")) + text[1:] if text.startswith("#") else text


def _value(value: str) -> str:
    raw = value.encode("latin-1")
    text = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else escaped(byte) for byte in raw
    )
    return re.sub(r"^ +| +$", lambda blanks: r"\x20" * len(blanks[0]), text)


def cases_below(folder: Path) -> list[Case]:
    """Every case of the `.http` files in a folder; none where there is no such folder.

    Raises:
        CaseError: a file can't be read.
    """
    return [case for path in sorted(folder.rglob("*.http")) for case in read_cases(path)]
