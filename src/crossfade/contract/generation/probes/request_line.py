"""Probes of the request line: method, path, the edges of converters, the query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlencode

from crossfade.contract.generation.operation import RouteFacts, Variable
from crossfade.contract.generation.schema_examples import Schema, example
from crossfade.messages.exchange import Request

Named = tuple[str, Request]

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ARABIC_ONE: Final = "%D9%A1"


def methods(facts: RouteFacts, base: Request) -> Iterator[Named]:
    """HEAD, OPTIONS, and methods that the rule does not allow."""
    bare = replace(base, headers=(), body=b"")
    if facts.method == "GET":
        yield "method HEAD", replace(base, method="HEAD")
    yield "method OPTIONS", replace(bare, method="OPTIONS")
    wrong = [method for method in _METHODS if method not in facts.methods]
    for method in (*wrong, "TRACE", "PROPFIND"):
        yield f"method {method}", replace(bare, method=method)


def paths(facts: RouteFacts, base: Request) -> Iterator[Named]:
    """The same path with other slashes, escapes and case."""
    raw = base.raw_path.decode("latin-1")
    head, _, last = raw.rstrip("/").rpartition("/")
    slashed = raw.rstrip("/") if raw.endswith("/") else raw + "/"
    variants = {
        "other slash at the end": slashed or "/",
        "two slashes at the end": raw.rstrip("/") + "//",
        "two slashes at the start": "/" + raw,
        "two slashes inside": f"{head}//{last}" if last else "",
        "newline at the end": raw + "%0A",
        "%2F at the end": raw + "%2F",
        "%ff at the end": raw + "%ff",
        "%00 at the end": raw + "%00",
        "blank at the end": raw + "%20",
        "dot at the end": raw + ".",
        "semicolon at the end": raw + ";a=b",
        "first letter escaped": f"{head}/%{ord(last[0]):02X}{last[1:]}"
        if last and last[0] != "%"
        else "",
        "%2F for a slash": f"{head}%2F{last}" if head and last else "",
        "dot segment": f"{head}/./{last}" if last else "",
        "two-dot segment": f"{head}/x/../{last}" if last else "",
        "other case": f"{head}/{last.swapcase()}" if last and not facts.variables else "",
    }
    for name, path in variants.items():
        if path:
            yield f"path: {name}", _with_path(base, path)


_EDGES: Final[dict[str, tuple[str, ...]]] = {
    "int": ("-1", "+1", "01", "1_0", "1e5", "1.0", "abc", "0", "1%0A", "%201", "0x1",
            _ARABIC_ONE, "9" * 19, "9" * 400, "9" * 4301),
    "float": ("1", "1e5", "nan", "inf", "-1.5", "+1.5", "1.", ".5", "01.50", "1_0.5", "1.5%0A",
              f"{_ARABIC_ONE}.5", "9" * 400 + ".0", "abc"),
    "uuid": ("6fa459eaee8a3ca4894edb77e160355e", "6FA459EA-EE8A-3CA4-894E-DB77E160355E",
             "{6fa459ea-ee8a-3ca4-894e-db77e160355e}", "6fa459ea-ee8a-3ca4-894e-db77e160355",
             "urn:uuid:6fa459ea-ee8a-3ca4-894e-db77e160355e", "abc",
             "6fa459ea-ee8a-3ca4-894e-db77e160355e%0A"),
    "string": ("%C3%A9", "%F0%9F%98%80", "%ff", "a%2Fb", "a%0Ab", "a%00b", "%20", "+", "a%20b",
               "-1", "%22%3Cb%3E%26'", "x" * 300, "..", "%25", "a;b=c", "null"),
    "path": ("a//b", "a/", "/a", "a/../b", "a/./b", "a%2Fb", "%2e%2e/a", "a%0A", "%ff", "%C3%A9/b",
             ""),
    "any": ("none-of-them", "", "%0A"),
}  # fmt: skip


def converters(facts: RouteFacts, base: Request) -> Iterator[Named]:
    """Edges of each variable, the others as in the good request."""
    good = _values(facts, base)
    if good is None:
        return
    for index, variable in enumerate(facts.variables):
        edges = _EDGES.get(variable.converter, (*_EDGES["string"], *_EDGES["int"][:8]))
        others = (*variable.values[1:4], *variable.rivals)
        for edge in dict.fromkeys((*edges, *_limits(variable), *_unknown(variable), *others)):
            values = [*good[:index], edge, *good[index + 1 :]]
            shown = edge if len(edge) < 24 else f"{edge[:12]}… ({len(edge)})"
            yield f"{variable.name} = {shown}", _with_path(base, facts.path(values))


def _limits(variable: Variable) -> Iterator[str]:
    """One below and one above what the converter's arguments allow."""
    kind, limits = variable.converter, variable.arguments[1]
    for name, step in (("min", -1), ("max", 1)):
        if name in limits and kind in ("int", "float"):
            edge = limits[name]
            for value in (edge, edge + step):
                yield f"{float(value)}" if kind == "float" else f"{value}"
    for name in ("length", "minlength", "maxlength"):
        if name in limits and kind == "string":
            yield from ("a" * (limits[name] - 1), "a" * limits[name], "a" * (limits[name] + 1))


def _unknown(variable: Variable) -> Iterator[str]:
    """Well-formed values that stand for nothing that is there."""
    if variable.converter == "int":
        yield from ("999999", "2147483648")
    elif variable.converter == "uuid":
        yield "00000000-0000-0000-0000-000000000000"
    elif variable.converter in ("string", "path"):
        yield "no-such-thing"


def _values(facts: RouteFacts, base: Request) -> list[str] | None:
    """The texts of the variables in the good request."""
    rest = base.raw_path.decode("latin-1")
    values: list[str] = []
    parts = list(facts.parts)
    for index, part in enumerate(parts):
        if isinstance(part, str):
            if not rest.startswith(part):
                return None
            rest = rest[len(part) :]
            continue
        following = parts[index + 1] if index + 1 < len(parts) else ""
        stop = following if isinstance(following, str) else "/"
        text = rest if not stop else rest.partition(stop)[0]
        values.append(text)
        rest = rest[len(text) :]
    return values


# --- query -------------------------------------------------------------------------------------

_OF_NUMBERS: Final = ("0", "-1", "01", "1.0", "1_0", "1e5", "+1", " 1 ", "abc", "true", "1,5",
                      "0x1", "9" * 30, "9" * 4301, "nan")  # fmt: skip
_OF_TEXTS: Final = ("é€😀", " padded ", " ", "a+b", "a&b=c", "<b>&'\"", "x" * 3000, "a\nb", "0",
                    "null")  # fmt: skip
_OF_FLAGS: Final = ("true", "false", "True", "TRUE", "1", "0", "yes", "no", "on", "off", "maybe")
_ODD: Final = {
    "empty query": "",
    "only separators": "&&;&",
    "unknown key": "crossfade_unknown=1",
    "key without value": "crossfade_unknown",
    "value without key": "=1",
    "semicolons": "a=1;b=2",
    "broken escapes": "a=%zz&%=%4",
    "bytes that are no UTF-8": "a=%ff%fe",
    "newline": "a=%0Ab%0D",
    "brackets": "a[]=1&a[b]=2",
}


def good_query(facts: RouteFacts) -> str:
    """Every parameter once, with a value that it is there for."""
    return urlencode(
        {name: _text(schema, name, facts) for name, schema in facts.query.items()}, quote_via=quote
    )


def required_query(facts: RouteFacts) -> str:
    """The parameters without which FastAPI refuses."""
    return urlencode(
        {
            name: _text(schema, name, facts)
            for name, schema in facts.query.items()
            if schema.get("required")
        },
        quote_via=quote,
    )


def queries(facts: RouteFacts, base: Request) -> Iterator[Named]:
    """Missing, repeated, empty, wrongly typed and odd parameters."""
    path = base.raw_path
    given = dict(_pairs(base.query_string.decode("latin-1")))
    good = {name: _text(schema, name, facts) for name, schema in facts.query.items()}
    filled = {**given, **{name: text for name, text in good.items() if name not in given}}

    def ask(pairs: str) -> Request:
        return replace(base, target=path + b"?" + pairs.encode())

    if good:
        yield "query: none at all", replace(base, target=path)
        yield "query: every parameter", ask(urlencode(filled, quote_via=quote))
    for name, schema in facts.query.items():
        others = {key: text for key, text in filled.items() if key != name}
        rest = urlencode(others, quote_via=quote)
        front = rest + "&" if rest else ""
        key = quote(name)
        for shown, text in _variants(key, quote(filled[name]), schema):
            yield f"query: {name} {shown}", ask(front + text)
        for number, other in facts.others(name):
            pair, good_pair = f"{key}={quote(str(other))}", f"{key}={quote(filled[name])}"
            yield f"query: {name}, value {number}", ask(front + pair)
            yield (
                f"query: {name}, value {number} and the good one",
                ask(f"{front}{pair}&{good_pair}"),
            )
        yield f"query: without {name}", ask(rest)
    before = base.query_string.decode("latin-1")
    for name, odd in _ODD.items():
        yield f"query: {name}", ask("&".join(filter(None, (before, odd))) if odd else "")


def _variants(key: str, good: str, schema: Schema) -> Iterator[tuple[str, str]]:
    other = "2" if good != "2" else "3"
    yield "twice", f"{key}={good}&{key}={other}"
    yield "twice, the second good", f"{key}={other}&{key}={good}"
    yield "twice, the first empty", f"{key}=&{key}={good}"
    yield "empty", f"{key}="
    yield "bare", key
    yield "in capitals", f"{key.upper()}={good}"
    yield "with its key escaped", f"%{ord(key[0]):02X}{key[1:]}={good}"
    yield "with brackets", f"{key}[]={good}"
    yield "no UTF-8", f"{key}=%ff%C3"
    kind = str(schema.get("type", ""))
    texts = {"integer": _OF_NUMBERS, "number": _OF_NUMBERS, "boolean": _OF_FLAGS}.get(kind)
    if texts is None:
        texts = (*_OF_TEXTS, *_OF_NUMBERS[:9], *_OF_FLAGS[:6]) if kind != "string" else _OF_TEXTS
    for text in texts:
        shown = text if len(text) < 24 else f"{text[:8]}… ({len(text)})"
        yield f"= {shown!r}", f"{key}={quote(text)}"
    yield "in other digits", f"{key}={_ARABIC_ONE}"


def _text(schema: Schema, name: str, facts: RouteFacts) -> str:
    value = example(schema, name, facts.known)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        value = value[0] if value else ""
    return "1" if not schema and name not in facts.known else str(value)


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for part in query.split("&"):
        if part:
            name, _, text = part.partition("=")
            yield name, text


def _with_path(base: Request, path: str) -> Request:
    raw = path.encode("latin-1")
    query = base.query_string
    return replace(base, target=raw + b"?" + query if query else raw)
