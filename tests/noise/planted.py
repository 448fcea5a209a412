"""Views in which FastAPI's side is wrong in what chance seems to excuse."""

# ruff: noqa: S311 - what is drawn here is no secret

from __future__ import annotations

import base64
import itertools
import random
import secrets
import string
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import jwt

from crossfade.model import Side
from tests.noise.kit import Make, Reply
from tests.noise.twins import BCRYPT, KEY, QUOTES, now


def planted(right: Callable[[], Any], wrong: Callable[[], Any]) -> Make:
    """A value of an object, the right one on Flask's side and a wrong one on FastAPI's."""
    return lambda side: (
        lambda sent: Reply({"value": right() if side is Side.LEGACY else wrong(), "name": "Ada"})
    )


def answered(right: Callable[[], Reply], wrong: Callable[[], Reply]) -> Make:
    """A whole reply."""
    return lambda side: lambda sent: right() if side is Side.LEGACY else wrong()


def _text(alphabet: str, length: int) -> str:
    return "".join(random.choices(alphabet, k=length))


def _token(**claims: Any) -> str:
    return jwt.encode({"sub": "ada", "jti": uuid.uuid4().hex, **claims}, KEY)


def _pairs(names: str) -> list[dict[str, Any]]:
    items = [{"id": number, "name": name} for number, name in enumerate(names)]
    return random.sample(items, len(items))


_YEAR = timedelta(days=365)
_ONCE = secrets.token_hex(16)
_THEN = time.time()
_COUNT = itertools.count(1)
_HEX = lambda: secrets.token_hex(16)  # noqa: E731

CONSTANTS: dict[str, Make] = {
    "a token": planted(_HEX, lambda: _ONCE),
    "a uuid": planted(lambda: str(uuid.uuid4()), lambda: "8c5df9a4-6bb4-4e0c-a0a5-2f3e9d0c1b2a"),
    "a moment": planted(time.time, lambda: _THEN),
    "a coin": planted(lambda: random.choice("ab"), lambda: "a"),
    "a boolean": planted(lambda: random.random() < 0.3, lambda: False),
    "a dice": planted(lambda: random.randint(1, 6), lambda: 3),
    "an order": planted(lambda: random.sample(range(5), 5), lambda: [3, 1, 4, 0, 2]),
    "the same order as the source": planted(
        lambda: random.sample(range(5), 5), lambda: list(range(5))
    ),
    "a count": planted(_COUNT.__next__, lambda: 1),
    "a token in a page": answered(
        lambda: Reply(f"<form>\n<input value={secrets.token_hex(8)}>\n</form>\n"),
        lambda: Reply(f"<form>\n<input value={_ONCE[:16]}>\n</form>\n"),
    ),
    "a cookie": answered(
        lambda: Reply({}, (("set-cookie", f"id={secrets.token_hex(8)}; Path=/"),)),
        lambda: Reply({}, (("set-cookie", f"id={_ONCE[:16]}; Path=/"),)),
    ),
    "a header": answered(
        lambda: Reply({}, (("x-request-id", str(uuid.uuid4())),)),
        lambda: Reply({}, (("x-request-id", str(uuid.UUID(int=7, version=4))),)),
    ),
    "a variant": answered(
        lambda: Reply(random.choice(["<h1>Old</h1>\n", "<h2>New</h2>\n<hr>\n"])),
        lambda: Reply("<h1>Old</h1>\n"),
    ),
}

MOMENTS: dict[str, Make] = {
    "a year later": planted(lambda: now().isoformat(), lambda: (now() + _YEAR).isoformat()),
    "an hour earlier": planted(
        lambda: now().isoformat(), lambda: (now() - timedelta(hours=1)).isoformat()
    ),
    "ten seconds later": planted(time.time, lambda: time.time() + 10),
    "a year later in seconds": planted(
        lambda: int(time.time() * 100), lambda: int((time.time() + _YEAR.total_seconds()) * 100)
    ),
    "milliseconds for seconds": planted(time.time, lambda: time.time() * 1000),
    "without its zone": planted(
        lambda: now().isoformat(), lambda: now().replace(tzinfo=None).isoformat()
    ),
    "with a blank": planted(lambda: now().isoformat(), lambda: now().isoformat(" ")),
    "a token that ends later": planted(
        lambda: _token(exp=time.time() + 3600), lambda: _token(exp=time.time() + 36000)
    ),
    "a page with another year": answered(
        lambda: Reply(f"<p>At {now():%Y-%m-%d %H:%M:%S.%f} for you.</p>\n"),
        lambda: Reply(f"<p>At {now() + _YEAR:%Y-%m-%d %H:%M:%S.%f} for you.</p>\n"),
    ),
    "a header that ends later": answered(
        lambda: Reply({}, (("x-until", f"{time.time() + 60:.3f}"),)),
        lambda: Reply({}, (("x-until", f"{time.time() + 600:.3f}"),)),
    ),
    "an http date a day later": answered(
        lambda: Reply({"n": random.random()}, (("expires", formatdate(time.time(), usegmt=True)),)),
        lambda: Reply(
            {"n": random.random()}, (("expires", formatdate(time.time() + 86400, usegmt=True)),)
        ),
    ),
}

RANGES: dict[str, Make] = {
    "a dice from nought": planted(lambda: random.randint(1, 6), lambda: random.randint(0, 5)),
    "a dice to seven": planted(lambda: random.randint(1, 6), lambda: random.randint(1, 7)),
    "another digit": planted(lambda: random.randint(100, 999), lambda: random.randint(1000, 9999)),
    "twice as much": planted(lambda: random.randint(1, 1000), lambda: random.randint(1, 2000)),
    "percents": planted(random.random, lambda: random.random() * 100),
    "the other sign": planted(lambda: random.randint(1, 999), lambda: -random.randint(1, 999)),
    "a fraction rounded off": planted(lambda: random.uniform(1, 99), lambda: random.randint(1, 99)),
    "other codes": planted(
        lambda: f"{random.randint(0, 999999):06}", lambda: f"{random.randint(0, 9999):04}"
    ),
    "fewer items": planted(
        lambda: list(range(random.randint(3, 6))), lambda: list(range(random.randint(0, 2)))
    ),
}

SETS: dict[str, Make] = {
    "another word": planted(
        lambda: random.choice(["heads", "tails"]), lambda: random.choice(["heads", "Tails"])
    ),
    "one more word": planted(lambda: random.choice("ab"), lambda: random.choice("abc")),
    "one word less": planted(lambda: random.choice("abc"), lambda: random.choice("ab")),
    "other quotes": planted(
        lambda: random.choice(QUOTES), lambda: random.choice(QUOTES).replace("nobody", "no one")
    ),
    "half of the quotes": planted(lambda: random.choice(QUOTES), lambda: random.choice(QUOTES[:6])),
    "nothing for null": planted(
        lambda: random.choice([None, "x"]), lambda: random.choice(["", "x"])
    ),
    "a missing member": answered(
        lambda: Reply(random.choice([{"a": 1}, {"a": 1, "b": 2}])),
        lambda: Reply(random.choice([{"a": 1}, {"a": 1, "c": 2}])),
    ),
    "mixed variants": answered(
        lambda: Reply(random.choice([{"v": "A", "price": 10}, {"v": "B", "price": 20}])),
        lambda: Reply(random.choice([{"v": "A", "price": 20}, {"v": "B", "price": 10}])),
    ),
    "another variant of a page": answered(
        lambda: Reply(random.choice(["<h1>Old</h1>\n", "<h2>New</h2>\n<hr>\n"])),
        lambda: Reply(random.choice(["<h1>Old</h1>\n", "<h2>New</h2>\n<hr/>\n"])),
    ),
    "chance that Flask has not": planted(lambda: "a", lambda: random.choice("ab")),
}

FORMS: dict[str, Make] = {
    "capital letters": planted(_HEX, lambda: secrets.token_hex(16).upper()),
    "half the length": planted(_HEX, lambda: secrets.token_hex(8)),
    "more than hex": planted(_HEX, lambda: _text(string.ascii_lowercase, 32)),
    "no dashes": planted(lambda: str(uuid.uuid4()), lambda: uuid.uuid4().hex),
    "another version": planted(lambda: str(uuid.uuid4()), lambda: str(uuid.uuid1())),
    "another base64": planted(
        lambda: base64.b64encode(secrets.token_bytes(30)).decode(),
        lambda: base64.urlsafe_b64encode(secrets.token_bytes(30)).decode(),
    ),
    "fewer rounds": planted(
        lambda: "$2b$12$" + _text(BCRYPT, 53), lambda: "$2b$04$" + _text(BCRYPT, 53)
    ),
    "another hash": planted(lambda: "$2b$12$" + _text(BCRYPT, 53), lambda: secrets.token_hex(30)),
    "a text for a number": planted(
        lambda: random.randint(100, 999), lambda: str(random.randint(100, 999))
    ),
    "no prefix": planted(lambda: "sk_" + secrets.token_hex(8), lambda: secrets.token_hex(9) + "0"),
    "another algorithm": planted(
        lambda: _token(),
        lambda: jwt.encode({"sub": "ada", "jti": uuid.uuid4().hex}, KEY * 2, "HS512"),
    ),
    "another subject": planted(lambda: _token(), lambda: _token(sub="bob")),
    "another path": planted(
        lambda: f"/files/{secrets.token_hex(8)}/get", lambda: f"/file/{secrets.token_hex(8)}/get"
    ),
    "other bytes at the start": answered(
        lambda: Reply(b"\x89PNG" + secrets.token_bytes(64)),
        lambda: Reply(b"\xffJPG" + secrets.token_bytes(64)),
    ),
}

BESIDE: dict[str, Make] = {
    "a word beside a token": answered(
        lambda: Reply(f"<p>Send</p>\n<i>{secrets.token_hex(8)}</i>\n"),
        lambda: Reply(f"<p>Sent</p>\n<i>{secrets.token_hex(8)}</i>\n"),
    ),
    "a word in the line of a token": answered(
        lambda: Reply(f"<p>Send</p> <i>{secrets.token_hex(8)}</i>\n"),
        lambda: Reply(f"<p>Sent</p> <i>{secrets.token_hex(8)}</i>\n"),
    ),
    "a member beside a token": answered(
        lambda: Reply({"id": secrets.token_hex(8), "n": 1}),
        lambda: Reply({"id": secrets.token_hex(8), "n": 2}),
    ),
    "one item missing": planted(
        lambda: random.sample(range(6), 6), lambda: random.sample(range(5), 5)
    ),
    "one item twice": planted(
        lambda: random.sample(range(6), 6), lambda: random.sample([0, 1, 2, 3, 4, 4], 6)
    ),
    "items paired wrongly": planted(lambda: _pairs("abcd"), lambda: _pairs("badc")),
    "a line missing": answered(
        lambda: Reply("".join(f"<li>{q}</li>\n" for q in random.sample(QUOTES[:5], 5))),
        lambda: Reply("".join(f"<li>{q}</li>\n" for q in random.sample(QUOTES[:4], 4))),
    ),
    "a line instead of another": answered(
        lambda: Reply("".join(f"<li>{q}</li>\n" for q in random.sample(QUOTES[:5], 5))),
        lambda: Reply("".join(f"<li>{q}</li>\n" for q in random.sample(QUOTES[1:6], 5))),
    ),
    "a cookie's attribute": answered(
        lambda: Reply({}, (("set-cookie", f"id={secrets.token_hex(8)}; Path=/; HttpOnly"),)),
        lambda: Reply({}, (("set-cookie", f"id={secrets.token_hex(8)}; Path=/"),)),
    ),
}

PLANTED = {
    f"{group}: {name}": make
    for group, makes in {
        "constant": CONSTANTS,
        "moment": MOMENTS,
        "range": RANGES,
        "set": SETS,
        "form": FORMS,
        "beside": BESIDE,
    }.items()
    for name, make in makes.items()
}
