"""Fifty views with honest chance, the same function on both sides."""

# ruff: noqa: S311 - what is drawn here is no secret

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import random
import secrets
import string
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from typing import Any, Final

import jwt
from itsdangerous import URLSafeTimedSerializer

from crossfade.model import Side
from tests.noise.kit import Make, Reply, View

KEY = "k" * 32
QUOTES = [f"Quote number {n}, which nobody has said." for n in range(12)]
BCRYPT = string.ascii_letters + string.digits + "./"


def drawn(value: Callable[[], Any]) -> Make:
    """A view that answers with an object that holds a value, and another value that is steady."""
    return lambda side: lambda sent: Reply({"value": value(), "name": "Ada", "count": 3})


def replied(reply: Callable[[], Reply]) -> Make:
    """A view that answers with a whole reply."""
    return lambda side: lambda sent: reply()


def now() -> datetime:
    """Return the moment."""
    return datetime.now(timezone.utc)


def _text(alphabet: str, length: int) -> str:
    return "".join(random.choices(alphabet, k=length))


TOKENS: dict[str, Make] = {
    "uuid": drawn(lambda: str(uuid.uuid4())),
    "uuid-hex": drawn(lambda: uuid.uuid4().hex),
    "uuid-of-time": drawn(lambda: str(uuid.uuid1())),
    "hex": drawn(lambda: secrets.token_hex(16)),
    "url-safe": drawn(lambda: secrets.token_urlsafe(20)),
    "base64": drawn(
        lambda: base64.b64encode(secrets.token_bytes(random.choice([15, 16]))).decode()
    ),
    "short-id": drawn(lambda: _text(string.ascii_lowercase + string.digits, 5)),
    "bcrypt": drawn(lambda: "$2b$12$" + _text(BCRYPT, 53)),
    "scrypt": drawn(
        lambda: f"scrypt:32768:8:1${_text(string.ascii_letters, 16)}${os.urandom(64).hex()}"
    ),
    "snowflake": drawn(lambda: (time.time_ns() // 1_000_000 << 22) | random.getrandbits(22)),
    "big-number": drawn(lambda: random.getrandbits(53)),
    "jwt": drawn(
        lambda: jwt.encode(
            {
                "sub": "ada",
                "iat": time.time(),
                "exp": now() + timedelta(hours=1),
                "jti": uuid.uuid4().hex,
            },
            KEY,
        )
    ),
    "signed": drawn(lambda: URLSafeTimedSerializer(KEY).dumps({"user": 1})),
    "digest-of-now": drawn(lambda: hashlib.sha256(str(time.time_ns()).encode()).hexdigest()),
    "link": drawn(lambda: f"/files/{secrets.token_hex(8)}/download"),
    "request-id-header": replied(lambda: Reply({"a": 1}, (("x-request-id", str(uuid.uuid4())),))),
    "cookie": replied(
        lambda: Reply({}, (("set-cookie", f"id={secrets.token_urlsafe(9)}; Path=/"),))
    ),
    "page-with-token": replied(
        lambda: Reply(
            f"<html><form>\n<input name=csrf value={secrets.token_urlsafe(16)}>\n"
            f"<script nonce={secrets.token_hex(8)}></script>\n<p>Hello</p></form></html>"
        )
    ),
    "bytes": replied(lambda: Reply(b"\x89DAT\0" + secrets.token_bytes(64))),
}

CLOCKS: dict[str, Make] = {
    "iso": drawn(lambda: now().isoformat()),
    "seconds": drawn(lambda: int(time.time())),
    "float": drawn(time.time),
    "milliseconds": drawn(lambda: time.time_ns() // 1_000_000),
    "http-date": drawn(lambda: formatdate(usegmt=True)),
    "only-the-time": drawn(lambda: now().strftime("%H:%M:%S.%f")),
    "parity-of-the-second": drawn(lambda: "odd" if int(time.time() * 4) % 2 else "even"),
    "expires": replied(
        lambda: Reply(
            {},
            (
                ("expires", formatdate(time.time() + 3600, usegmt=True)),
                ("x-served-at", now().isoformat()),
            ),
        )
    ),
    "page-with-clock": replied(
        lambda: Reply(f"<p>Generated at {now():%Y-%m-%d %H:%M:%S.%f} for you.</p>\n<p>Bye</p>")
    ),
}

SHUFFLES: dict[str, Make] = {
    "shuffled": drawn(lambda: random.sample(range(6), 6)),
    "shuffled-objects": drawn(
        lambda: random.sample([{"id": n, "name": f"n{n}"} for n in range(4)], 4)
    ),
    "shuffled-with-tokens": drawn(
        lambda: random.sample([{"id": n, "key": secrets.token_hex(4)} for n in range(4)], 4)
    ),
    "sample": drawn(lambda: random.sample(QUOTES, 3)),
    "quote": drawn(lambda: random.choice(QUOTES)),
    "some-items": drawn(lambda: list(range(random.randint(0, 5)))),
    "shuffled-page": replied(
        lambda: Reply("".join(f"<li>{q}</li>\n" for q in random.sample(QUOTES[:5], 5)))
    ),
    "csv": replied(
        lambda: Reply(
            "id,score\n" + "".join(f"{n},{random.random():.3f}\n" for n in range(4)),
            kind="text/csv",
        )
    ),
}

COINS: dict[str, Make] = {
    "coin": drawn(lambda: random.choice(["heads", "tails"])),
    "boolean": drawn(lambda: random.random() < 0.3),
    "dice": drawn(lambda: random.randint(1, 6)),
    "maybe-null": drawn(lambda: random.choice([None, "there"])),
    "fraction": drawn(random.random),
    "gauss": drawn(lambda: round(random.gauss(20, 5), 2)),
    "header-variant": replied(lambda: Reply({}, (("x-variant", random.choice("AB")),))),
    "ab-json": replied(
        lambda: random.choice(
            [Reply({"variant": "A", "price": 10}), Reply({"variant": "B", "offer": {"x": [1]}})]
        )
    ),
    "ab-page": replied(
        lambda: Reply(
            random.choice(
                ["<h1>Old</h1>\n<p>Price: 10</p>\n", "<h2>New</h2>\n<b>Now 9!</b>\n<hr>\n"]
            )
            + f"<i>{secrets.token_hex(6)}</i>\n"
        )
    ),
    "ab-cookie": replied(
        lambda: Reply({}, (("set-cookie", f"bucket={random.choice('xyz')}; Path=/"),))
    ),
}


def _counter(shared: bool, text: bool = False) -> Make:
    """A counter of the process, or one of each side."""
    numbers = itertools.count(1)

    def make(side: Side) -> View:
        own = numbers if shared else itertools.count(1)
        return lambda sent: Reply({"n": f"req-{next(own):06}" if text else next(own)})

    return make


def _kept(seconds: float, value: Callable[[], Any], shared: bool) -> Make:
    """A value that is kept for a while, with a header that says whether it was."""
    common: dict[str, Any] = {"until": 0.0}

    def make(side: Side) -> View:
        cache = common if shared else {"until": 0.0}

        def view(sent: Any) -> Reply:
            hit = time.monotonic() < cache["until"]
            if not hit:
                cache.update(until=time.monotonic() + seconds, value=value())
            state = "HIT" if hit else "MISS"
            return Reply({"value": cache["value"]}, (("x-cache", state),) if shared else ())

        return view

    return make


def _ticking(step: Callable[[], Any]) -> Make:
    """A value that a thread in the background renews, as long as there is a view that shows it."""
    latest = {"value": step()}
    views: weakref.WeakSet[View] = weakref.WeakSet()
    running = threading.Lock()

    def run() -> None:
        with running:
            while views:
                time.sleep(0.01)
                latest["value"] = step()

    def make(side: Side) -> View:
        def view(sent: Any) -> Reply:
            return Reply(dict(latest))

        views.add(view)
        if not running.locked():
            threading.Thread(target=run, daemon=True).start()
        return view

    return make


_ELSEWHERE: Final = random.Random()
"""For threads: Hypothesis takes it for a fault where the module's own chance moves as it draws."""


def _timed(sent: Any) -> Reply:
    started = time.perf_counter()
    sum(range(500))
    took = time.perf_counter() - started
    return Reply({"ms": round(took * 1000, 4)}, (("x-runtime", f"{took:.6f}"),))


PROCESS: dict[str, Make] = {
    "shared-counter": _counter(shared=True),
    "own-counter": _counter(shared=False),
    "numbered-requests": _counter(shared=True, text=True),
    "thread": drawn(threading.get_ident),
    "thread-number": drawn(threading.get_native_id),
    "thread-name": drawn(lambda: threading.current_thread().name),
    "address": drawn(lambda: repr(object())),
    "identity": drawn(lambda: id(object())),
    "took": lambda side: _timed,
    "own-cache": _kept(0.4, lambda: str(uuid.uuid4()), shared=False),
    "own-cache-of-time": _kept(0.4, time.time, shared=False),
    "shared-cache": _kept(0.05, lambda: random.randint(1, 9), shared=True),
    "ticks": _ticking(lambda: _ELSEWHERE.randint(1, 1000)),
    "state-of-a-thread": _ticking(lambda: _ELSEWHERE.choice(["busy", "idle"])),
}

TWINS = {**TOKENS, **CLOCKS, **SHUFFLES, **COINS, **PROCESS}
