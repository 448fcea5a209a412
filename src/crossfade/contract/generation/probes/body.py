"""Probes of the body: JSON, forms, uploads, and what their content types promise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from crossfade.contract.generation.operation import FORM, JSON, MULTIPART, RouteFacts
from crossfade.contract.generation.schema_examples import (
    Schema,
    example,
    is_file,
    objects,
    wrong_values,
)
from crossfade.messages.exchange import Headers, Request

Named = tuple[str, Request]

_BOUNDARY: Final = "crossfade"
_WITH_BODY: Final = ("POST", "PUT", "PATCH", "DELETE")


def good_bodies(facts: RouteFacts) -> Iterator[tuple[Headers, bytes]]:
    """Bodies that the route may be there for, with their headers."""
    for media, schema in facts.bodies.items():
        if media == FORM:
            for value in objects(schema, facts.known):
                yield _typed(FORM), _form(_texts(value))
        elif media == MULTIPART:
            yield _typed(f"{MULTIPART}; boundary={_BOUNDARY}"), _multipart(schema, facts)
        elif _is_object(schema):
            for value in objects(schema, facts.known):
                yield _typed(media), _dump(value)
        else:
            yield _typed(media), _dump(example(schema, "", facts.known))


def bodies(facts: RouteFacts, base: Request) -> Iterator[Named]:
    """Everything that can be wrong with a body; a body where none is expected."""
    if facts.method not in _WITH_BODY:
        yield "body: one that nobody asked for", _with(base, b'{"a":1}', JSON)
        return
    yield "body: none", _with(base, b"", None)
    for media, schema in facts.bodies.items():
        if media.endswith("json"):
            yield from _json(facts, base, schema, media)
    if FORM in facts.bodies:
        yield from _forms(facts, base, facts.bodies[FORM])
    if MULTIPART in facts.bodies:
        yield from _forms(facts, base, facts.bodies[MULTIPART])
        yield from _uploads(facts, base, facts.bodies[MULTIPART])
    good, kind = base.body, next(iter(base.values("content-type")), None)
    if good:
        yield (
            "body: chunked",
            replace(
                _with(base, good, kind), headers=(*base.headers, ("transfer-encoding", "chunked"))
            ),
        )
        yield (
            "body: gzip announced",
            replace(base, headers=(*base.headers, ("content-encoding", "gzip"))),
        )
    if not facts.bodies:
        yield "body: JSON that nobody asked for", _with(base, b'{"a":1}', JSON)
        yield "body: broken JSON that nobody asked for", _with(base, b"{", JSON)
        yield "body: a form that nobody asked for", _with(base, b"a=1", FORM)


# --- JSON --------------------------------------------------------------------------------------

_BROKEN: Final = {
    "empty": b"",
    "only blanks": b" \n",
    "cut off": b"{",
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "two documents": b"{}{}",
    "comment": b"{} // no",
    "byte order mark": b"\xef\xbb\xbf{}",
    "no UTF-8": b'{"a":"\xff"}',
    "control character": b'{"a":"\x01"}',
    "nested deep": b"[" * 5000,
    "huge number": b"9" * 5000,
}
_NO_OBJECTS: Final = (
    b"null",
    b"true",
    b"0",
    b"1.5",
    b'""',
    b'"text"',
    b"[]",
    b"[1]",
    b"{}",
    b"NaN",
)
_KINDS: Final = (
    "", "text/plain", "text/json", "application/jsonx", "application/vnd.api+json",
    "application/json; charset=utf-8", "application/json; charset=latin-1", "Application/JSON",
    "application/json;", FORM, "*/*", "nonsense",
)  # fmt: skip


def _json(facts: RouteFacts, base: Request, schema: Schema, media: str) -> Iterator[Named]:
    is_good = base.body and any(media in kind for kind in base.values("content-type"))
    good = base.body if is_good else _dump(example(schema, "", facts.known))
    for name, text in _BROKEN.items():
        yield f"JSON: {name}", _with(base, text, media)
    for text in _NO_OBJECTS:
        yield f"JSON: {text.decode()}", _with(base, text, media)
    yield "JSON: no content type", _with(base, good, None)
    for kind in _KINDS:
        yield f"JSON: sent as {kind or 'nothing'}", _with(base, good, kind)
    for coding in ("utf-16", "utf-32-be"):
        encoded = good.decode("utf-8", "replace").encode(coding)
        yield f"JSON: in {coding}", _with(base, encoded, media)
    yield "JSON: blanks around", _with(base, b" \r\n" + good + b"\n\n", media)
    try:
        value = json.loads(good)
    except ValueError:
        return
    if isinstance(value, dict):
        yield from _members(facts, base, value, schema, media)


def _members(
    facts: RouteFacts, base: Request, value: dict[str, Any], schema: Schema, media: str
) -> Iterator[Named]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    first = next(iter(value), None)
    yield "JSON: unknown member", _with(base, _dump({**value, "crossfade": 1}), media)
    yield "JSON: id of its own", _with(base, _dump({"id": 1, **value, "admin": True}), media)
    if first is not None:
        doubled = f'{{"{first}":null,'.encode() + _dump(value)[1:]
        yield f"JSON: {first} twice", _with(base, doubled, media)
        yield (
            "JSON: members in another order",
            _with(base, _dump(dict(reversed(value.items()))), media),
        )
    for name in {**properties, **value}:
        inner = properties.get(name, {})
        without = {key: each for key, each in value.items() if key != name}
        yield f"JSON: without {name}", _with(base, _dump(without), media)
        for number, other in facts.others(name):
            sent = _dump({**value, name: other})
            yield f"JSON: {name}, value {number}", _with(base, sent, media)
        for wrong in wrong_values(inner):
            changed = _dump({**value, name: wrong})
            shown = json.dumps(wrong)
            shown = shown if len(shown) < 24 else f"{shown[:12]}… ({len(shown)})"
            yield f"JSON: {name} = {shown}", _with(base, changed, media)
        yield (
            f"JSON: {name} is not ASCII",
            _with(base, json.dumps({**value, name: "Zoë €"}, ensure_ascii=False).encode(), media),
        )


# --- forms -------------------------------------------------------------------------------------


def _forms(facts: RouteFacts, base: Request, schema: Schema) -> Iterator[Named]:
    properties = {
        name: inner for name, inner in schema.get("properties", {}).items() if not is_file(inner)
    }
    good = _texts({name: example(i, name, facts.known) for name, i in properties.items()})

    def ask(text: bytes, kind: str | None = FORM) -> Request:
        return _with(base, text, kind)

    sound = _form(good)
    yield "form: good", ask(sound)
    yield "form: empty", ask(b"")
    yield "form: no content type", ask(sound, None)
    yield "form: sent as JSON", ask(sound, JSON)
    yield "form: with a charset", ask(sound, f"{FORM}; charset=latin-1")
    yield "form: as JSON", ask(_dump(good), JSON)
    yield "form: raw UTF-8", ask("&".join(f"{k}=é€" for k in good or {"a": ""}).encode())
    yield "form: no UTF-8", ask(b"&".join(k.encode() + b"=%ff\xfe" for k in good or {"a": ""}))
    yield "form: odd", ask(sound + b"&=&&a;b=c&%zz=%&x")
    yield "form: over 1000 fields", ask(sound + b"&n=1" * 1001)
    for name in good:
        rest = _form({key: text for key, text in good.items() if key != name})
        front = rest + b"&" if rest else b""
        key, text = quote(name), quote(good[name])
        yield f"form: without {name}", ask(rest)
        for number, other in facts.others(name):
            pair = f"{key}={quote(str(other))}"
            yield f"form: {name}, value {number}", ask(front + pair.encode())
            both = f"{pair}&{key}={text}"
            yield f"form: {name}, value {number} and the good one", ask(front + both.encode())
        for shown, pair in (
            ("twice", f"{key}={text}&{key}=2"),
            ("twice, the second good", f"{key}=2&{key}={text}"),
            ("empty", f"{key}="),
            ("bare", key),
            ("only blanks", f"{key}=++"),
            ("with plus signs", f"{key}=a+b%2Bc"),
            ("with a newline", f"{key}=a%0D%0Ab"),
            ("long", f"{key}={'x' * 3000}"),
            ("= abc", f"{key}=abc"),
            ("= -1", f"{key}=-1"),
            ("= 1.0", f"{key}=1.0"),
            ("= true", f"{key}=true"),
        ):
            yield f"form: {name} {shown}", ask(front + pair.encode())


def _uploads(facts: RouteFacts, base: Request, schema: Schema) -> Iterator[Named]:
    sound = _multipart(schema, facts)
    kind = f"{MULTIPART}; boundary={_BOUNDARY}"
    properties = schema.get("properties", {})
    files = [name for name, inner in properties.items() if is_file(inner)]
    fields = [name for name in properties if name not in files]

    def ask(text: bytes, media: str | None = kind) -> Request:
        return _with(base, text, media)

    yield "multipart: good", ask(sound)
    yield "multipart: empty", ask(b"")
    yield "multipart: no parts", ask(f"--{_BOUNDARY}--\r\n".encode())
    yield "multipart: no boundary", ask(sound, MULTIPART)
    yield "multipart: another boundary", ask(sound, f"{MULTIPART}; boundary=other")
    yield "multipart: quoted boundary", ask(sound, f'{MULTIPART}; boundary="{_BOUNDARY}"')
    yield "multipart: cut off", ask(sound[:-12])
    yield "multipart: preamble", ask(b"To be ignored.\r\n" + sound)
    yield "multipart: epilogue", ask(sound + b"To be ignored.\r\n")
    yield "multipart: bare newlines", ask(sound.replace(b"\r\n", b"\n"))
    for name in fields[:3]:
        for size in (600_000, 1_200_000):
            big = _part(f'form-data; name="{name}"', b"x" * size)
            yield f"multipart: {name} of {size} bytes", ask(big + sound)
        twice = _part(f'form-data; name="{name}"', b"first") + sound
        yield f"multipart: {name} twice", ask(twice)
    for name in files[:3]:
        rest = _multipart(
            {**schema, "properties": {k: v for k, v in properties.items() if k != name}}, facts
        )
        shown = f'form-data; name="{name}"'
        octets = "application/octet-stream"
        parts = {
            "missing": b"",
            "no filename": _part(shown, b"abc"),
            "empty filename": _part(f'{shown}; filename=""', b"", octets),
            "filename in UTF-8": _part(f'{shown}; filename="é.txt"', b"abc", "text/plain"),
            "filename*": _part(f"{shown}; filename*=UTF-8''%C3%A9.txt", b"abc", "text/plain"),
            "path as filename": _part(f'{shown}; filename="../../a b.txt"', b"abc", octets),
            "no type": _part(f'{shown}; filename="a.txt"', b"abc"),
            "empty": _part(f'{shown}; filename="a.txt"', b"", "text/plain"),
            "large": _part(f'{shown}; filename="a.bin"', b"x" * 1_200_000, octets),
            "twice": _part(f'{shown}; filename="a"', b"1") + _part(f'{shown}; filename="b"', b"2"),
        }
        for label, part in parts.items():
            yield f"multipart: {name} {label}", ask(part + rest)


def _part(disposition: str, content: bytes, kind: str = "") -> bytes:
    lines = [f"--{_BOUNDARY}", f"Content-Disposition: {disposition}"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    return "\r\n".join([*lines, "", ""]).encode() + content + b"\r\n"


def _multipart(schema: Schema, facts: RouteFacts) -> bytes:
    parts = []
    for name, inner in schema.get("properties", {}).items():
        shown = f'form-data; name="{name}"'
        if is_file(inner):
            parts.append(_part(f'{shown}; filename="a.txt"', b"abc\n", "text/plain"))
        else:
            text = _texts({name: example(inner, name, facts.known)})[name]
            parts.append(_part(shown, text.encode()))
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }


def _form(values: Mapping[str, str]) -> bytes:
    return urlencode(values).encode()


# --- all ---------------------------------------------------------------------------------------


def _is_object(schema: Schema) -> bool:
    return schema.get("type") in (None, "object") and "anyOf" not in schema


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _typed(media: str) -> Headers:
    return (("content-type", media),)


def _with(base: Request, body: bytes, kind: str | None) -> Request:
    """The request with another body; of its headers those about the old one are dropped."""
    kept = tuple(pair for pair in base.headers if not pair[0].startswith(("content-", "transfer-")))
    typed = kept if kind is None else (*kept, ("content-type", kind))
    return replace(base, headers=typed, body=body)
