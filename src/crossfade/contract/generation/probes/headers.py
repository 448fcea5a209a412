"""Probes of what comes with a request: headers, cookies, conditions, ranges, origins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from crossfade.contract.generation.operation import RouteFacts
from crossfade.messages.exchange import Headers, Request, Response

Named = tuple[str, Request]

_PLAIN: Final[dict[str, Headers]] = {
    "accept HTML": (("accept", "text/html,application/xhtml+xml;q=0.9"),),
    "accept JSON": (("accept", "application/json"),),
    "accept nothing that is there": (("accept", "image/png"),),
    "accept odd": (("accept", "a/b;q=x, ,*/*;q=2"),),
    "accept gzip": (("accept-encoding", "gzip, br"),),
    "accept-language": (("accept-language", "de-AT, de;q=0.9"),),
    "sent by a script": (("x-requested-with", "XMLHttpRequest"),),
    "behind a proxy": (("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https"),
                       ("x-forwarded-host", "shop.example")),
    "another host": (("host", "other.example:8080"),),
    "a host that is none": (("host", "a b"),),
    "method override": (("x-http-method-override", "DELETE"),),
    "expect": (("expect", "100-continue"),),
    "basic credentials": (("authorization", "Basic YTpi"),),
    "broken credentials": (("authorization", "Basic !"),),
    "bearer of nothing": (("authorization", "Bearer none"),),
    "CORS simple": (("origin", "https://elsewhere.example"),),
    "CORS from null": (("origin", "null"),),
    "traced": (("x-request-id", "crossfade"), ("traceparent", "00-0-0-00")),
}  # fmt: skip


def headers(facts: RouteFacts, base: Request) -> Iterator[Named]:
    """Headers that browsers, proxies and scripts add, and those that the route reads."""
    for name, lines in _PLAIN.items():
        yield f"header: {name}", _with(base, lines)
    preflight = replace(base, method="OPTIONS", headers=(), body=b"")
    for origin in ("https://elsewhere.example", "http://localhost"):
        asked = (
            ("origin", origin),
            ("access-control-request-method", facts.method),
            ("access-control-request-headers", "content-type, x-requested-with"),
        )
        yield f"header: CORS preflight from {origin}", _with(preflight, asked)
    for name in facts.headers:
        if name in ("host", "content-type", "content-length", "cookie"):
            continue
        for shown, values in {
            "once": ("first",),
            "twice": ("first", "second"),
            "empty": ("",),
            "number": ("1",),
            "not ASCII": ("\xe9\xff",),
        }.items():
            lines = tuple((name, value) for value in values)
            yield f"header: {name} {shown}", _with(base, lines)
        yield f"header: without {name}", _without(base, name)


def conditions(base: Request, answer: Response | None) -> Iterator[Named]:
    """Conditional requests and ranges, by the validators of Flask's answer where it has them."""
    etag = next(iter(answer.values("etag")), None) if answer else None
    changed = next(iter(answer.values("last-modified")), None) if answer else None
    lines: dict[str, Headers] = {
        "If-None-Match any": (("if-none-match", "*"),),
        "If-None-Match other": (("if-none-match", '"other"'),),
        "If-None-Match broken": (("if-none-match", "other"),),
        "If-Match other": (("if-match", '"other"'),),
        "If-Modified-Since long ago": (("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),),
        "If-Modified-Since later": (("if-modified-since", "Thu, 01 Jan 2100 00:00:00 GMT"),),
        "If-Modified-Since broken": (("if-modified-since", "yesterday"),),
        "Range first bytes": (("range", "bytes=0-3"),),
        "Range last bytes": (("range", "bytes=-2"),),
        "Range several": (("range", "bytes=0-1,3-4"),),
        "Range beyond": (("range", "bytes=99999999-"),),
        "Range broken": (("range", "bytes=x-y"),),
        "Range of lines": (("range", "lines=0-1"),),
        "If-Range other": (("range", "bytes=0-3"), ("if-range", '"other"')),
    }
    if etag is not None:
        lines["If-None-Match same"] = (("if-none-match", etag),)
        lines["If-None-Match weak and several"] = (("if-none-match", f'"a", W/{etag}'),)
        lines["If-Match same"] = (("if-match", etag),)
        lines["If-Range same"] = (("range", "bytes=0-3"), ("if-range", etag))
    if changed is not None:
        lines["If-Modified-Since same"] = (("if-modified-since", changed),)
        lines["If-Unmodified-Since long ago"] = (
            ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        )
    if base.method in ("GET", "HEAD"):
        for name, pairs in lines.items():
            yield f"condition: {name}", _with(base, pairs)
    else:
        yield "condition: If-Match other", _with(base, lines["If-Match other"])
        yield "condition: If-None-Match any", _with(base, lines["If-None-Match any"])


_JARS: Final = {
    "other cookies": "a=1; b=2",
    "forged session": "session=eyJ1c2VyIjoxfQ.aaaaaa.forged",
    "empty session": "session=",
    "broken line": "a; =b; ;;c=",
    "bytes that are no UTF-8": "a=\xff\xfe",
    "many": "; ".join(f"n{i}={i}" for i in range(60)),
}
_VALUES: Final = {
    "twice": "first; {name}=second",
    "empty": "",
    "quoted": '"a b"',
    "with an unfinished quote": '"abc',
    "with a blank inside": "a b",
    "in octal": '"\\342\\202\\254\\054"',
    "in UTF-8": "\xc3\xa9",
    "with percent signs": "%C3%A9%20a",
    "with an equals sign": "a=b",
    "with a comma": "a,b",
    "a number": "1",
    "wrong": "nonsense",
}


def cookies(facts: RouteFacts, base: Request) -> Iterator[Named]:
    """Cookie lines as clients send them; each cookie that the route reads, in odd forms."""
    for name, line in _JARS.items():
        yield f"cookie: {name}", _with(base, (("cookie", line),))
    for name in facts.cookies:
        for shown, value in _VALUES.items():
            line = f"{name}={value.format(name=name)}"
            yield f"cookie: {name} {shown}", _with(base, (("cookie", line),))


def _with(base: Request, lines: Headers) -> Request:
    names = {name for name, _ in lines}
    kept = tuple(pair for pair in base.headers if pair[0] not in names)
    return replace(base, headers=(*kept, *lines))


def _without(base: Request, name: str) -> Request:
    return replace(base, headers=tuple(pair for pair in base.headers if pair[0] != name))
