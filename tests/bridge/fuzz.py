"""Generated requests, sent to gunicorn and to the gateway: every difference must be explained.

    python -m tests.bridge.fuzz --count 100000 --seed 1 --http h11

prints how many cases there were, how many of them differed and for which documented reason, and
every case that differed for none; with one of those it ends with 1. A case depends on its seed and
its number alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.bridge.compare import Outcome, normalised, statuses
from tests.bridge.probes import CLOSED, NOTHING, PARSERS
from tests.servers import Closed, Connection, RawResponse, Server, gunicorn, uvicorn

LEGACY: Final = "tests.bridge.fuzz_app:legacy"
GATEWAY: Final = "tests.bridge.fuzz_app:gateway"
SENTINEL: Final = b"GET /sentinel-1 HTTP/1.1\r\nHost: sentinel\r\n\r\n"
TIMEOUT: Final = 5.0

METHODS: Final = ["GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
ODD_METHODS: Final = ["PROPFIND", "M-SEARCH", "get", "Post", "BREW", "X", "G=T", "TRACE", "PURGE"]
PIECES: Final = [
    "a",
    "users",
    "1",
    "%2F",
    "%2f",
    "%25",
    "%ff",
    "%C3%A9",
    "%00",
    "%0A",
    "%20",
    "+",
    ".",
    "..",
    "",
    ";p=1",
    "~",
    "a:b",
    "@",
    "!$&'()*,=",
    "%",
    "%z",
    "%u00e9",
    "|",
    "[x]",
    "{",
    "\\",
    "^",
    "`",
    "%7E",
]
ODD_PIECES: Final = ["\xe9", "\x7f", "\x01", '"', "<>", "#f", "?"]
QUERIES: Final = [
    "",
    "?",
    "?a=1",
    "?a=1&a=2",
    "?a=%ff",
    "?a=+&b",
    "??",
    "?a=/?",
    "?=",
    "?%",
    "?a=b;c",
]
ODD_QUERIES: Final = ["?\xe9", "?a#f", "?a=\x7f", '?"']
NAMES: Final = [
    "Accept",
    "accept",
    "X-A",
    "x-a",
    "X_A",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "Cookie",
    "User-Agent",
    "Content-Type",
    "Authorization",
    "Referer",
    "If-None-Match",
    "Range",
    "X-Remote-User",
    "X_Remote_User",
    "Proxy",
    "Via",
    "TE",
    "Trailer",
    "Keep-Alive",
    "DNT",
    "X!#$%&'*+.^`|~",
    "Origin",
    "Accept-Encoding",
    "Content_Length",
    "Transfer_Encoding",
    "Host_",
    "Date",
    "Server",
    "Script-Name",
]
VALUES: Final = [
    "",
    "1",
    "a",
    "a, b",
    "  padded  ",
    "\ttab\t",
    "a\tb",
    "\xe9",
    "a=1; b=2",
    "a=1",
    '"q"',
    "x" * 300,
    "http://example.test/",
    "1.2.3.4",
    "gzip",
    "*/*",
    "text/plain; charset=utf-8",
    "bytes=0-",
    "=",
    ";",
]
ODD_VALUES: Final = ["a\x01b", "a\x7fb", "a\x0bb", "a\rb"]
CONNECTIONS: Final = ["keep-alive", "close", "Keep-Alive", "x", "keep-alive, x", "Upgrade"]
UPGRADES: Final = ["h2c", "foo", "TLS/1.0", "h2c, websocket"]
BODIES: Final = [
    b"",
    b"a",
    b"abc\ndef\n",
    b"a=1&b=2",
    bytes(range(256)),
    b"x" * 5000,
    b"\n\n\r\n0\r\n\r\n",
]


@dataclass(frozen=True)
class Case:
    """One generated case.

    Attributes:
        data: the bytes that are sent.
        method: what kind of answer to expect.
        traits: what is odd about it, for the explanations.
    """

    data: bytes
    method: str
    traits: frozenset[str]


def generate(seed: int, number: int) -> Case:
    """Return a case: always the same for a seed and a number."""
    return _Generator(random.Random(f"{seed}:{number}")).case()  # noqa: S311 - not a secret


class _Generator:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.traits: set[str] = set()

    def odd(self, trait: str, chance: float = 0.02) -> bool:
        """Decide whether to be odd in some way, and remember it."""
        if self.rng.random() < chance:
            self.traits.add(trait)
            return True
        return False

    def case(self) -> Case:
        method = self.rng.choice(ODD_METHODS if self.odd("method") else METHODS)
        version = "HTTP/1.1"
        if self.odd("version"):
            version = self.rng.choice(["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1"])
            self.traits.add(version)
        target = self.target()
        if target.startswith("*"):
            method = "OPTIONS"
        headers = self.headers()
        framing, body = self.body(method)
        self.rng.shuffle(headers)
        lines = [f"{method} {target} {version}", *headers, *framing, "", ""]
        data = "\r\n".join(lines).encode("latin-1") + body
        return Case(data, method, frozenset(self.traits))

    def target(self) -> str:
        rng = self.rng
        path = "".join("/" + rng.choice(PIECES) for _ in range(rng.randint(1, 4)))
        if self.odd("odd path"):
            path += rng.choice(ODD_PIECES)
        query = rng.choice(ODD_QUERIES if self.odd("odd query", 0.01) else QUERIES)
        if (path + query).endswith("?"):
            self.traits.add("empty query")
        if "#" in path + query:
            self.traits.add("fragment")
        if self.odd("absolute"):
            path = rng.choice(["http://other.test", "https://other.test:8443", "http://u@h"]) + path
        elif self.odd("asterisk", 0.005):
            return "*"
        return path + query

    def headers(self) -> list[str]:
        rng = self.rng
        headers = []
        if not self.odd("no host", 0.01):
            headers.append(
                "Host: " + rng.choice(["example.test", "a:80", "h", "example.test:8080"])
            )
            if self.odd("two hosts", 0.005):
                headers.append("Host: b")
        for _ in range(rng.randint(0, 5)):
            name = rng.choice(NAMES)
            value = rng.choice(ODD_VALUES if self.odd("odd value", 0.005) else VALUES)
            headers.append(f"{name}:{rng.choice(['', ' ', '  '])}{value}")
        if sum(line.lower().startswith("cookie:") for line in headers) > 1:
            self.traits.add("crumbs")
        if rng.random() < 0.1:
            value = rng.choice(CONNECTIONS)
            headers.append(f"Connection: {value}")
            if value == "Upgrade" or self.odd("upgrade", 0.2):
                self.traits.add("upgrade")
                headers.append("Upgrade: " + rng.choice(UPGRADES))
        if self.odd("expect"):
            headers.append("Expect: " + rng.choice(["100-continue", "100-Continue", "other", ""]))
        if self.odd("bad header", 0.01):
            headers.append(rng.choice(["X A: 1", "X-A : 1", ": 1", "X-A", " folded", "\xe9: 1"]))
        return headers

    def body(self, method: str) -> tuple[list[str], bytes]:
        rng = self.rng
        body = rng.choice(BODIES)
        kind = rng.random()
        if kind < (0.5 if method in ("GET", "HEAD", "OPTIONS", "DELETE") else 0.05):
            return [], b""
        if "upgrade" in self.traits or "HTTP/1.0" in self.traits:
            self.traits.add("body")
        if kind < 0.7:
            return [f"Content-Length: {len(body)}"], body
        if kind < 0.95:
            if self.odd("Chunked"):
                return ["Transfer-Encoding: Chunked"], self.chunks(body)
            return ["Transfer-Encoding: chunked"], self.chunks(body)
        self.traits.update(("framing", "trailer"))
        return rng.choice(
            [
                (["Content-Length: 3", "Content-Length: 3"], b"abc"),
                (["Content-Length: 3", "Content-Length: 4"], b"abcd"),
                (["Content-Length: 3, 3"], b"abc"),
                (["Content-Length: +3"], b"abc"),
                (["Content-Length: 0x3"], b"abc"),
                (["Content-Length: "], b""),
                (["Content-Length: 003"], b"abc"),
                (["Content-Length: -1"], b""),
                (["Content-Length: 3", "Transfer-Encoding: chunked"], b"3\r\nabc\r\n0\r\n\r\n"),
                (["Transfer-Encoding: chunked", "Content-Length: 0"], b"3\r\nabc\r\n0\r\n\r\n"),
                (["Transfer-Encoding: identity"], b""),
                (["Transfer-Encoding: gzip, chunked"], b"3\r\nabc\r\n0\r\n\r\n"),
                (["Transfer-Encoding: chunked, gzip"], b"3\r\nabc\r\n0\r\n\r\n"),
                (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
                (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
                (["Transfer-Encoding: chunked, chunked"], b"0\r\n\r\n"),
                (["Transfer-Encoding: \x0bchunked"], b"0\r\n\r\n"),
                (["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
                (["Transfer-Encoding: chunked"], b"x\r\nabc\r\n0\r\n\r\n"),
                (["Transfer-Encoding: chunked"], b"-3\r\nabc\r\n0\r\n\r\n"),
                (["Transfer-Encoding: chunked"], b"3\r\nabcd\r\n0\r\n\r\n"),
                (["Transfer-Encoding: chunked"], b"3 \r\nabc\r\n0\r\n\r\n"),
                (["Transfer-Encoding: chunked"], b"3;=\r\nabc\r\n0\r\n\r\n"),
                (["Transfer-Encoding: chunked"], b"3\nabc\n0\n\n"),
                (["Transfer-Encoding: chunked"], b"0\r\nBad Trailer\r\n\r\n"),
                (["Transfer-Encoding: chunked"], b"0\r\nContent-Length: 3\r\n\r\n"),
                (["Transfer-Encoding: chunked"], b"0\r\nX-Trailer: 1\r\n\r\n"),
            ]
        )

    def chunks(self, body: bytes) -> bytes:
        rng = self.rng
        out = bytearray()
        while body:
            size = rng.randint(1, len(body))
            extension = rng.choice(["", "", "", ";a", ";a=b", ';a="b c"', ";a;b=1"])
            form = rng.choice(["%x", "%X", "0%x"])
            out += (form % size + extension).encode() + b"\r\n" + body[:size] + b"\r\n"
            body = body[size:]
        trailer = b""
        if self.odd("trailer", 0.05):
            trailer = b"X-Trailer: 1\r\n"
        return bytes(out) + b"0\r\n" + trailer + b"\r\n"


Check = Callable[[Case, Outcome, Outcome], bool]
_OF_THE_ANSWER: Final = {"content-length", "x-answer"}


class Client:
    """A connection that is kept as long as it can be."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connection: Connection | None = None

    def ask(self, case: Case) -> Outcome:
        """Send a case and, after it, a sentinel where the case may have broken the framing."""
        data, count = case.data, 1
        if case.traits:
            self.drop()
            if "upgrade" not in case.traits or "framing" in case.traits:
                # httptools drops what comes with an Upgrade: its client would wait in vain.
                data, count = data + SENTINEL, 2
        if self.connection is None:
            self.connection = Connection(self.server.address, TIMEOUT)
        connection = self.connection
        found: Outcome = []
        keep = count == 1
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(data)
            for number in range(count):
                answer = connection.response(case.method if not number else "GET")
                found.append(normalised(answer, self.server.address))
                keep = keep and _stays_open(answer)
        except Closed:
            found.append(CLOSED)
            keep = False
        except TimeoutError:
            found.append(NOTHING)
            keep = False
        except ValueError as exc:
            found.append(f"not HTTP: {exc}")
            keep = False
        if not keep:
            self.drop()
        return found

    def drop(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _stays_open(answer: RawResponse) -> bool:
    return answer.complete and "close" not in (answer.get("connection") or "").lower()


def _refused(outcome: Outcome) -> bool:
    first = outcome[0]
    return first == CLOSED or (isinstance(first, dict) and bool(first.get("refused")))


def _told(outcome: Outcome) -> list[Any]:
    """An outcome whose first answer is what the application was told, as far as it is told."""
    first = dict(outcome[0])
    first["headers"] = {
        key: value for key, value in first["headers"].items() if key not in _OF_THE_ANSWER
    }
    with contextlib.suppress(ValueError):
        first["body"] = json.loads(first["body"])
    return [first, *outcome[1:]]


# Trait → why a part of the environ is another then, which part, and under which parsers.
TOLD_OTHERWISE: Final = {
    "empty query": ("ASGI carries no empty query", "RAW_URI", PARSERS),
    "fragment": ("httptools drops the fragment", "RAW_URI", PARSERS[:1]),
    "absolute": ("httptools drops scheme and host", "RAW_URI", PARSERS[:1]),
    "crumbs": ("cookie crumbs are joined with '; '", "HTTP_COOKIE", PARSERS),
    "trailer": ("uvicorn counts a trailer as a header", "HTTP_X_TRAILER", PARSERS[:1]),
    "Chunked": ("h11 lowers a transfer coding", "HTTP_TRANSFER_ENCODING", PARSERS[1:2]),
}


def _told_otherwise(case: Case, direct: Outcome, gateway: Outcome, parser: str) -> str | None:
    """Return why the two differ in nothing but parts of the environ that may differ."""
    traits = [
        trait
        for trait, (_, _, parsers) in TOLD_OTHERWISE.items()
        if trait in case.traits and parser in parsers
    ]
    if not traits or not isinstance(direct[0], dict) or not isinstance(gateway[0], dict):
        return None
    if _refused(direct) or _refused(gateway):
        return None
    told = _told(direct), _told(gateway)
    for outcome in told:
        if isinstance(outcome[0]["body"], dict):
            for trait in traits:
                outcome[0]["body"].pop(TOLD_OTHERWISE[trait][1], None)
    return TOLD_OTHERWISE[traits[0]][0] if told[0] == told[1] else None


def _gateway_refuses(case: Case, direct: Outcome, gateway: Outcome) -> bool:
    return _refused(gateway) and (len(gateway) == 1 or CLOSED in gateway)


def _gunicorn_refuses(case: Case, direct: Outcome, gateway: Outcome) -> bool:
    return _refused(direct) and (len(direct) == 1 or CLOSED in direct) and _sane(gateway)


def _both_refuse(case: Case, direct: Outcome, gateway: Outcome) -> bool:
    return _refused(gateway) and _refused(direct) and direct[1:] == gateway[1:]


def _both_refuse_for_good(case: Case, direct: Outcome, gateway: Outcome) -> bool:
    return _refused(gateway) and _refused(direct) and gateway[1:] == [NOTHING]


def _but_for_interim(case: Case, direct: Outcome, gateway: Outcome) -> bool:
    if "expect" not in case.traits or not isinstance(gateway[0], dict):
        return False
    return direct == [{**gateway[0], "interim": ()}, *gateway[1:]]


def _either_refuses(case: Case, direct: Outcome, gateway: Outcome) -> bool:
    return _gateway_refuses(case, direct, gateway) or _gunicorn_refuses(case, direct, gateway)


def _sane(outcome: Outcome) -> bool:
    """Whether the gateway served nothing but the case and the sentinel: nothing was smuggled."""
    if len(outcome) == 1 or outcome[1] == CLOSED:
        return True
    second = outcome[1]
    return isinstance(second, dict) and b'"PATH_INFO": "/sentinel-1"' in second.get("body", b"")


def _framed_otherwise(case: Case, direct: Outcome, gateway: Outcome) -> bool:
    """One refuses malformed framing early, one late, one reads on: none takes it for two."""
    return _sane(gateway) and (_sane(direct) or _refused(direct[1:]))


def _closes_sooner(case: Case, direct: Outcome, gateway: Outcome) -> bool:
    return direct[:1] == gateway[:1] and CLOSED in (*direct, *gateway) and _sane(gateway)


def _with(check: Check, *traits: str) -> Check:
    return lambda case, direct, gateway: (
        bool(case.traits.intersection(traits)) and check(case, direct, gateway)
    )


# A difference has the first explanation that holds for it; docs/bridge.md has each of them.
EXPLAINED: Final[list[tuple[str, Check]]] = [
    ("no body goes with Upgrade: httptools would drop it", _with(_gateway_refuses, "body")),
    ("httptools, zttp: uvicorn sends 100 to HTTP/1.0", _with(_but_for_interim, "HTTP/1.0")),
    ("malformed framing", _with(_framed_otherwise, "framing")),
    ("two faults: which is named first", _both_refuse),
    ("HTTP versions", _with(_either_refuses, "version")),
    (
        "HTTP versions: httptools 0.6 reads no more",
        _with(_both_refuse_for_good, "version"),
    ),
    ("HTTP versions: kept alive or not", _with(_closes_sooner, "version")),
    ("httptools does not know this method", _with(_gateway_refuses, "method")),
    ("h11 and zttp ask for a Host", _with(_gateway_refuses, "no host")),
    ("the server refuses this target", _with(_gateway_refuses, "absolute", "asterisk")),
    ("h11 unfolds a header", _with(_gunicorn_refuses, "bad header")),
    ("one refuses odd bytes", _with(_either_refuses, "odd path", "odd query", "odd value")),
]


def explain(case: Case, direct: Outcome, gateway: Outcome, parser: str) -> str | None:
    """Return why two outcomes differ, or None where nothing explains it."""
    told_otherwise = _told_otherwise(case, direct[:1], gateway[:1], parser)
    if told_otherwise is not None:
        gateway = [*direct[:1], *gateway[1:]]  # so that one case may differ for two reasons
        if direct == gateway:
            return told_otherwise
    for reason, check in EXPLAINED:
        if check(case, direct, gateway):
            return reason
    return None


@dataclass
class Result:
    """What a run found.

    Attributes:
        count: how many cases were compared.
        explained: how many differed, by reason.
        unexplained: number, case and outcomes of those that differed for no reason.
    """

    count: int
    explained: Counter[str]
    unexplained: list[tuple[int, Case, Outcome, Outcome]]


def fuzz(
    direct: Server, gateway: Server, seed: int, numbers: Sequence[int], limit: int = 20
) -> Result:
    """Compare the two servers on cases of a seed, until `limit` are unexplained."""
    result = Result(0, Counter(), [])
    parser = gateway.name.rpartition("-")[2]
    one, other = Client(direct), Client(gateway)
    with contextlib.closing(_Dropping(one, other)):
        for number in numbers:
            case = generate(seed, number)
            expected, found = one.ask(case), other.ask(case)
            result.count += 1
            if expected != found:
                reason = explain(case, expected, found, parser)
                if reason is not None:
                    result.explained[reason] += 1
                else:
                    result.unexplained.append((number, case, expected, found))
                    if len(result.unexplained) >= limit:
                        break
    return result


class _Dropping:
    def __init__(self, *clients: Client) -> None:
        self.clients = clients

    def close(self) -> None:
        for client in self.clients:
            client.drop()


def servers(parser: str) -> tuple[Server, Server]:
    """Start gunicorn and the gateway for the fuzzer."""
    # First what may be skipped: whoever is skipped has nobody to end what was started before.
    gateway = uvicorn(
        GATEWAY, "--timeout-keep-alive", "60", "--no-proxy-headers", http=parser, factory=True
    )
    try:
        direct = gunicorn(LEGACY, "--keep-alive", "60")
    except BaseException:
        gateway.stop()
        raise
    return direct, gateway


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--count", type=int, default=10_000, help="how many cases")
    options.add_argument("--seed", type=int, default=0, help="which cases")
    options.add_argument("--start", type=int, default=0, help="the number of the first case")
    options.add_argument("--http", choices=PARSERS, default=PARSERS[0], help="uvicorn's parser")
    options.add_argument("--limit", type=int, default=20, help="unexplained cases to stop after")
    given = options.parse_args(arguments)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        direct, gateway = map(stack.enter_context, servers(given.http))
        numbers = range(given.start, given.start + given.count)
        result = fuzz(direct, gateway, given.seed, numbers, given.limit)
    out: Any = sys.stdout
    for number, case, expected, found in result.unexplained:
        out.write(f"\ncase {number} {sorted(case.traits)}\n{case.data!r}\n")
        out.write(f"  gunicorn {statuses_of(expected)} {expected!r}\n")
        out.write(f"  gateway  {statuses_of(found)} {found!r}\n")
    for reason, count in result.explained.most_common():
        out.write(f"{count:8}  {reason}\n")
    seconds = time.monotonic() - began
    out.write(
        f"{result.count} cases of seed {given.seed} under {given.http} in {seconds:.0f} s: "
        f"{sum(result.explained.values())} differ with a reason, "
        f"{len(result.unexplained)} without\n"
    )
    return 1 if result.unexplained else 0


def statuses_of(outcome: Outcome) -> tuple[int | str, ...]:
    """Return an outcome in short."""
    return statuses(outcome)


if __name__ == "__main__":
    sys.exit(main())
