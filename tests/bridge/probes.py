"""What is asked of gunicorn and of the gateway alike, one line each, by class.

Where the two differ, `DIFFERENCES` says why and what the gateway gives; docs/bridge.md says the
same in prose. A difference that is gone fails too: an explanation that explains nothing is removed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tests.servers import request_bytes as req

PARSERS: Final = ("httptools", "h11", "zttp")
CLOSED: Final = "closed"
NOTHING: Final = "nothing"
"""No answer, on a connection that is not closed."""


@dataclass(frozen=True)
class Probe:
    """One exchange over a connection of its own.

    Attributes:
        name: what it is called in the output.
        data: the bytes that are sent, or several packets of them.
        count: how many responses are waited for. The connection's end counts as one.
        end: whether the client sends a FIN after its bytes.
        differs: why the gateway's answers are others than gunicorn's, or nothing.
        parsers: the HTTP parsers under which they differ.
        gives: what the gateway gives then: statuses, or `closed`.
    """

    name: str
    data: bytes | tuple[bytes, ...]
    count: int = 1
    end: bool = False
    differs: str = ""
    parsers: tuple[str, ...] = PARSERS
    gives: tuple[int | str, ...] = ()

    @property
    def packets(self) -> tuple[bytes, ...]:
        """The data as packets."""
        return self.data if isinstance(self.data, tuple) else (self.data,)


def ask(target: str, *headers: str, method: str = "GET", body: bytes | None = None) -> Probe:
    """Return a probe of one request."""
    name = " ".join([method, target, *headers] + ([] if body is None else [f"+{len(body)}B"]))
    return Probe(name[:100], req(method, target, *headers, body=body))


def raw(name: str, *packets: bytes, count: int = 1, end: bool = False) -> Probe:
    """Return a probe of bytes."""
    return Probe(name, packets, count, end)


def head(line: str, *headers: str) -> bytes:
    """Return the bytes of a head without anything added."""
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1")


HOST: Final = "Host: example.test"
NEXT: Final = req("GET", "/users/77")
CHUNKED: Final = "Transfer-Encoding: chunked"
FORM: Final = "Content-Type: application/x-www-form-urlencoded"
UPGRADE: Final = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAA")
WEBSOCKET: Final = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
MULTIPART: Final = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nfile\r\n--b--\r\n"
)


def post(target: str, *chunks: bytes, headers: tuple[str, ...] = ()) -> bytes:
    """Return a POST in chunks."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head(f"POST {target} HTTP/1.1", HOST, CHUNKED, *headers) + body + b"0\r\n\r\n"


FLASK = [
    ask("/"),
    ask("/", method="HEAD"),
    ask("/", method="OPTIONS"),
    ask("/", method="POST", body=b""),
    ask("/", method="PROPFIND"),
    ask("/nothing"),
    ask("/users/1"),
    ask("/users/abc"),
    ask("/users/1/"),
    ask("/dir"),
    ask("/dir?a=1"),
    ask("/redirect"),
    ask("/stream"),
    ask("/stream", method="HEAD"),
    ask("/no-content"),
    ask("/error"),
    ask("/teapot"),
    ask("/cookies", "Cookie: a=1; b=2"),
    ask("/file"),
    ask("/file", "Range: bytes=5-10"),
    ask("/file", "Range: bytes=99999-"),
    ask("/file", 'If-None-Match: "abc"'),
    ask("/file", method="HEAD"),
    ask("/echo?a=1&b=%20&a=2"),
]

PATHS = [
    ask("/raw/env"),
    ask("/raw/env?"),
    ask("/raw/env?a=%ff&b=+&c=%"),
    ask("/raw/env?a=1?b=2"),
    ask("/raw/env#fragment"),
    ask("/raw/env?a=1#fragment"),
    ask("/raw/env;p=1"),
    ask("/%72aw/env"),
    ask("/path/%ff"),
    ask("/path/caf%C3%A9"),
    ask("/path/a%2Fb"),
    ask("/path/a%252Fb"),
    ask("/path/a%zzb"),
    ask("/path/a%0Ab"),
    ask("/path/a%00b"),
    ask("/path/a+b"),
    ask("/path/a//b"),
    ask("/path/../users/1"),
    ask("/path/."),
    ask("//users/1"),
    ask("//"),
    ask("/path/a:b@c"),
    ask("/path/a|b{}\\^`"),
    ask("/path/" + "x" * 2000),
    ask("http://other.test/raw/env"),
    ask("http://other.test/users/1?a=1"),
    ask("http://other.test"),
    ask("*", method="OPTIONS"),
    ask("*"),
    ask("users/1"),
    ask("%2Fusers/1"),
    ask("?a=1"),
    raw("no path", head("GET  HTTP/1.1", HOST)),
    raw("raw high bytes in the path", b"GET /path/\xc3\xa9 HTTP/1.1\r\nHost: example.test\r\n\r\n"),
    raw("raw high bytes in the query", b"GET /raw/env?\xff HTTP/1.1\r\nHost: h\r\n\r\n"),
]

HEADERS = [
    ask("/raw/env", "X-A: 1", "x-a: 2", "X-A:3"),
    ask("/raw/env", "X-A:   blanks   "),
    ask("/raw/env", "X-A: \ttab\t"),
    ask("/raw/env", "X-A:"),
    ask("/raw/env", "X-A: \xe9\xff"),
    ask("/raw/env", "X_A: 1"),
    ask("/raw/env", "X-Remote-User: me", "X_Remote_User: admin"),
    ask("/raw/env", "X_Remote_User: admin"),
    ask("/raw/env", "Content_Length: 5"),
    ask("/raw/env", "Content-Type: a/b"),
    ask("/raw/env", "X!#$%&'*+.^`|~9: token"),
    ask("/raw/env", "Cookie: a=1", "Cookie: b=2"),
    ask("/raw/env", "Accept: a", "Accept: b"),
    ask("/raw/env", "Connection: close"),
    ask("/raw/env", "Connection: keep-alive, x"),
    ask("/raw/env", "TE: trailers"),
    ask("/raw/env", "Proxy: http://evil"),
    ask("/raw/env", "Authorization: Basic YTpi"),
    ask("/raw/env", "X-Long: " + "v" * 4000),
    ask("/raw/env", "Expect: something"),
    ask("/headers", "X-One: 1", "X-Two: 2"),
    raw("HTTP/1.0", head("GET /raw/env HTTP/1.0", HOST)),
    raw("HTTP/1.0 without Host", head("GET /raw/env HTTP/1.0")),
    raw("HTTP/1.0 and a stream", head("GET /raw/generator HTTP/1.0", HOST)),
    raw("HTTP/1.0 and a stream of length", head("GET /raw/big HTTP/1.0", HOST)),
    raw(
        "HTTP/1.0 kept alive",
        head("GET / HTTP/1.0", HOST, "Connection: keep-alive") + NEXT,
        count=2,
    ),
    raw("HTTP/1.0 and a list", head("GET /raw/a-list HTTP/1.0", HOST)),
    raw("no Host", head("GET /raw/env HTTP/1.1")),
    raw("two Hosts", head("GET /raw/env HTTP/1.1", "Host: a", "Host: b")),
    raw("two types", head("GET /raw/env HTTP/1.1", HOST, "Content-Type: a", "Content-Type: b")),
    raw("a name with a blank", head("GET /raw/env HTTP/1.1", HOST, "X A: 1")),
    raw("a blank before the colon", head("GET /raw/env HTTP/1.1", HOST, "X-A : 1")),
    raw("a folded header", head("GET /raw/env HTTP/1.1", HOST, "X-A: 1", " 2")),
    raw("a control character", head("GET /raw/env HTTP/1.1", HOST, "X-A: 1\x01")),
    raw("an unknown version", head("GET / HTTP/3.0", HOST)),
    raw("a lower-case method", head("get / HTTP/1.1", HOST)),
    raw("an unknown method", head("BREW / HTTP/1.1", HOST)),
]

BODIES = [
    ask("/raw/read?how=read", method="POST", body=b"abc"),
    ask("/raw/read?how=read:2,read:2,read:2", method="POST", body=b"abc"),
    ask("/raw/read?how=read:None", method="POST", body=b"abc"),
    ask("/raw/read?how=read:-1", method="POST", body=b"abc"),
    ask("/raw/read?how=read:-5", method="POST", body=b"abc"),
    ask("/raw/read?how=read:0,read", method="POST", body=b"abc"),
    ask("/raw/read?how=readline,readline,readline", method="POST", body=b"a\nb\nc"),
    ask("/raw/read?how=readline:100,readline:1,read", method="POST", body=b"a\nb\nc"),
    ask("/raw/read?how=readlines", method="POST", body=b"a\nb\n\nc"),
    ask("/raw/read?how=iter,read", method="POST", body=b"a\nb\n\nc\n"),
    ask("/raw/read?how=next,next,read", method="POST", body=b"a\nb\nc"),
    ask("/raw/read?how=read,read:5,readline,readlines,iter"),
    ask("/raw/read?how=iter"),
    ask("/raw/read?how=readlines", method="POST", body=b""),
    ask("/raw/digest", method="POST", body=b"x" * 1000),
    ask("/raw/digest", method="POST", body=b"x" * 3_000_000),
    ask("/raw/early", method="POST", body=b"x" * 1000),
    ask("/echo", "Content-Type: text/plain", method="POST", body=b"\xff\x00"),
    ask("/form", FORM, method="POST", body=b"a=1&a=2&b=%ff&c="),
    ask("/form", "Content-Type: multipart/form-data; boundary=b", method="POST", body=MULTIPART),
    ask("/echo", "Content-Type: application/json", method="PUT", body=b'{"a": 1}'),
    ask("/echo", method="DELETE", body=b"x"),
    ask("/echo", method="GET", body=b"a body with GET"),
    raw("chunked", post("/echo", b"abc", b"de")),
    raw("chunked, empty", post("/echo")),
    raw("chunked, Flask's form", post("/form", b"a=1&", b"b=2", headers=(FORM,))),
    raw("chunked, by lines", post("/raw/read?how=readline,readlines", b"a\nb", b"\nc\nd")),
    raw("chunked, large", post("/raw/digest", *[b"y" * 70_000] * 30)),
    raw(
        "chunked, with extensions and a trailer",
        head("POST /echo HTTP/1.1", HOST, CHUNKED)
        + b'3;a=b;c="d"\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n',
    ),
    raw("chunked, slow", *[post("/echo", b"abc", b"de")[n : n + 20] for n in range(0, 120, 20)]),
    raw("a body in two packets", req("POST", "/echo", "Content-Length: 6"), b"abc", b"def"),
    raw(
        "100-continue",
        head("POST /echo HTTP/1.1", HOST, "Expect: 100-continue", "Content-Length: 3"),
        b"abc",
    ),
    raw(
        "100-Continue",
        head("POST /echo HTTP/1.1", HOST, "Expect: 100-Continue", "Content-Length: 3"),
        b"abc",
    ),
    raw("100-continue, chunked", post("/echo", b"abc", headers=("Expect: 100-continue",))),
    raw("100-continue without a body", head("GET / HTTP/1.1", HOST, "Expect: 100-continue")),
]

FRAMING = [
    raw("pipelined", req("GET", "/users/1") + req("GET", "/users/2") + NEXT, count=3),
    raw("pipelined after a body", req("POST", "/echo", body=b"abc") + NEXT, count=2),
    raw("pipelined after chunks", post("/echo", b"abc") + NEXT, count=2),
    raw("pipelined after an unread body", req("POST", "/raw/early", body=b"abc") + NEXT, count=2),
    raw("pipelined after unread chunks", post("/raw/early", b"abc") + NEXT, count=2),
    raw("pipelined after HEAD", req("HEAD", "/users/1") + NEXT, count=2),
    raw("pipelined after a stream", req("GET", "/raw/generator") + NEXT, count=2),
    raw("pipelined after 204", req("GET", "/raw/bodiless?s=204+No") + NEXT, count=2),
    raw("pipelined after 304", req("GET", "/raw/bodiless?s=304+No") + NEXT, count=2),
    raw("pipelined after close", req("GET", "/", "Connection: close") + NEXT, count=2),
    raw("pipelined after an error", req("GET", "/raw/raise-before") + NEXT, count=2),
    raw("kept alive", req("GET", "/users/1"), count=1),
    raw(
        "two lengths",
        head("POST /echo HTTP/1.1", HOST, "Content-Length: 3", "Content-Length: 3") + b"abc" + NEXT,
        count=2,
    ),
    raw(
        "two other lengths",
        head("POST /echo HTTP/1.1", HOST, "Content-Length: 3", "Content-Length: 4") + b"abc" + NEXT,
        count=2,
    ),
    raw(
        "length and chunks",
        head("POST /echo HTTP/1.1", HOST, "Content-Length: 3", CHUNKED) + b"0\r\n\r\n" + NEXT,
        count=2,
    ),
    raw(
        "chunks and length",
        head("POST /echo HTTP/1.1", HOST, CHUNKED, "Content-Length: 3") + b"0\r\n\r\n" + NEXT,
        count=2,
    ),
    raw(
        "length +3",
        head("POST /echo HTTP/1.1", HOST, "Content-Length: +3") + b"abc" + NEXT,
        count=2,
    ),
    raw(
        "length 3, 3",
        head("POST /echo HTTP/1.1", HOST, "Content-Length: 3, 3") + b"abc" + NEXT,
        count=2,
    ),
    raw(
        "Transfer_Encoding",
        head("POST /echo HTTP/1.1", HOST, "Transfer_Encoding: chunked", "Content-Length: 3")
        + b"abc"
        + NEXT,
        count=2,
    ),
    raw(
        "Transfer-Encoding: identity",
        head("POST /echo HTTP/1.1", HOST, "Transfer-Encoding: identity") + NEXT,
        count=2,
    ),
    raw(
        "Transfer-Encoding: xchunked",
        head("POST /echo HTTP/1.1", HOST, "Transfer-Encoding: xchunked") + NEXT,
        count=2,
    ),
    raw(
        "chunked twice",
        head("POST /echo HTTP/1.1", HOST, CHUNKED, CHUNKED) + b"0\r\n\r\n" + NEXT,
        count=2,
    ),
    raw(
        "a bad chunk size",
        head("POST /echo HTTP/1.1", HOST, CHUNKED) + b"xyz\r\nabc\r\n" + NEXT,
        count=2,
    ),
    raw(
        "HTTP/1.0 and chunks",
        head("POST /echo HTTP/1.0", HOST, CHUNKED) + b"0\r\n\r\n" + NEXT,
        count=2,
    ),
]

UPGRADES = [
    ask("/raw/env", *UPGRADE),
    ask("/users/1", "Upgrade: h2c"),
    raw(
        "h2c with a body", head("POST /echo HTTP/1.1", HOST, *UPGRADE, "Content-Length: 3") + b"abc"
    ),
    raw("h2c with chunks", post("/echo", b"abc", headers=UPGRADE)),
    raw(
        "h2c with a request for a body",
        head("POST /echo HTTP/1.1", HOST, *UPGRADE, f"Content-Length: {len(NEXT)}"),
        NEXT,
        count=2,
    ),
    raw(
        "h2c with a request in chunks",
        head("POST /echo HTTP/1.1", HOST, *UPGRADE, CHUNKED),
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(NEXT), NEXT),
        count=2,
    ),
    raw("h2c, pipelined", req("GET", "/users/1", *UPGRADE) + NEXT, count=2),
    ask("/raw/env", "Connection: Upgrade"),
    ask("/raw/env", "Connection: Upgrade", "Upgrade: foo/2"),
    raw("CONNECT", head("CONNECT example.test:80 HTTP/1.1", HOST)),
]

WEBSOCKETS = [
    ask("/users/1", *WEBSOCKET),
    ask("/raw/env?a=1", *WEBSOCKET),
    ask("/nothing", *WEBSOCKET),
    ask("/raw/a-list", *WEBSOCKET),
    ask("/raw/raise-before", *WEBSOCKET),
]

ANSWERS = [
    ask("/raw/a-list"),
    ask("/raw/empty"),
    ask("/raw/generator"),
    ask("/raw/generator-of-length"),
    ask("/raw/lazy-start"),
    ask("/raw/write"),
    ask("/raw/file"),
    ask("/raw/big"),
    ask("/raw/hop-by-hop"),
    ask("/raw/own-date"),
    ask("/raw/several"),
    ask("/raw/a-list", method="HEAD"),
    ask("/raw/generator", method="HEAD"),
    ask("/raw/write", method="HEAD"),
    ask("/raw/file", method="HEAD"),
    ask("/raw/head-of-length", method="HEAD"),
    ask("/raw/bodiless?s=204+No+Content"),
    ask("/raw/bodiless?s=304+Not+Modified"),
    ask("/raw/too-long"),
    ask("/raw/too-short"),
    ask("/raw/status?s=200"),
    ask("/raw/status?s=200+"),
    ask("/raw/status?s=299+Custom"),
    ask("/raw/status?s=599+Custom"),
    ask("/raw/status?s=418+I'm+a+teapot"),
    ask("/raw/status?s=799+Beyond"),
    ask("/raw/status?s=2000+OK"),
    ask("/raw/status?s=OK"),
    ask("/raw/status?s=200+O%0D%0AK"),
    ask("/raw/status?name=X-A&value=a%0D%0AX-B:+b"),
    ask("/raw/status?name=X-A&value=a%00b"),
    ask("/raw/status?name=X-A&value=%01"),
    ask("/raw/status?name=X-A&value=%C4%80"),
    ask("/raw/status?name=X%20A&value=b"),
    ask("/raw/status?name=X-A:&value=b"),
    ask("/raw/status?name=&value=b"),
    ask("/raw/status?name=Content-Length&value=x"),
    ask("/raw/status?name=Content-Length&value=-1"),
]

FAILURES = [
    ask("/raw/raise-before"),
    ask("/raw/raise-after-start"),
    ask("/raw/raise-at-first"),
    ask("/raw/raise-later"),
    ask("/raw/raise-later-of-length"),
    ask("/raw/raise-at-end"),
    ask("/raw/raise-in-close"),
    ask("/raw/exits"),
    ask("/raw/late-exc-info"),
    ask("/raw/late-exc-info-in-generator"),
    ask("/raw/too-late-exc-info"),
    ask("/raw/start-twice"),
    ask("/raw/never-starts"),
    ask("/raw/returns-none"),
    ask("/raw/yields-str"),
]

# Reasons that more than one line gives.
SERVER: Final = "the ASGI server's HTTP parser answers, before the gateway is reached"
TARGET: Final = "ASGI carries path and query, not the whole target"
NO_BODY: Final = "httptools drops the body of a request with Upgrade: refused, and closed"
REACH: Final = "ASGI servers send no such status, or count the bytes: an honest 500"

HTTPTOOLS, H11, ZTTP = PARSERS

# Line → why the gateway's answer is another, under which parsers, and what it is.
DIFFERENCES: Final[dict[str, tuple[str, tuple[str, ...], tuple[int | str, ...]]]] = {
    "GET /raw/env?": (TARGET, PARSERS, (200,)),
    "GET /raw/env#fragment": (TARGET, (HTTPTOOLS,), (200,)),
    "GET /raw/env?a=1#fragment": (TARGET, (HTTPTOOLS,), (200,)),
    "GET http://other.test/raw/env": (TARGET, (HTTPTOOLS,), (200,)),
    "GET http://other.test": (SERVER, (HTTPTOOLS,), (400,)),
    "raw high bytes in the path": (SERVER, (ZTTP,), (CLOSED,)),
    "GET /raw/env Cookie: a=1 Cookie: b=2": ("crumbs are joined with '; '", PARSERS, (200,)),
    "HTTP/1.0 kept alive": (SERVER, (HTTPTOOLS, H11), (200, CLOSED)),
    "no Host": (SERVER, (H11, ZTTP), (400,)),
    "a folded header": (SERVER, (H11,), (200,)),
    "an unknown method": (SERVER, (HTTPTOOLS,), (400,)),
    "two lengths": (SERVER, (H11,), (200, 200)),
    "length 3, 3": (SERVER, (H11,), (200, 200)),
    "Transfer-Encoding: xchunked": (SERVER, PARSERS, (400, CLOSED)),
    "a bad chunk size": (SERVER, PARSERS, (400, CLOSED)),
    "h2c with a body": (NO_BODY, (HTTPTOOLS,), (400,)),
    "h2c with chunks": (NO_BODY, (HTTPTOOLS,), (400,)),
    "h2c with a request for a body": (NO_BODY, (HTTPTOOLS,), (400, CLOSED)),
    "h2c with a request in chunks": (NO_BODY, (HTTPTOOLS,), (400, CLOSED)),
    "h2c, pipelined": ("httptools drops what came with it", (HTTPTOOLS,), (200, CLOSED)),
    "CONNECT": (SERVER, (HTTPTOOLS,), (400,)),
    "pipelined after 304": ("a 304 does not name a length", PARSERS, (304, 200)),
    "GET /raw/bodiless?s=304+Not+Modified": ("a 304 does not name a length", PARSERS, (304,)),
    "GET /raw/status?s=799+Beyond": (REACH, PARSERS, (500,)),
    "GET /raw/status?name=Content-Length&value=-1": (REACH, PARSERS, (500,)),
    "GET /raw/exits": ("gunicorn's worker ends", PARSERS, (500,)),
    "GET /raw/late-exc-info": ("gunicorn sends the headers of both calls", PARSERS, (503,)),
    "GET /raw/yields-str": ("gunicorn has sent the head by then", PARSERS, (500,)),
}


def _explained(probe: Probe) -> Probe:
    if probe.name not in DIFFERENCES:
        return probe
    differs, parsers, gives = DIFFERENCES[probe.name]
    return replace(probe, differs=differs, parsers=parsers, gives=gives)


CLASSES: Final = {
    name: [_explained(probe) for probe in probes]
    for name, probes in {
        "flask": FLASK,
        "paths": PATHS,
        "headers": HEADERS,
        "bodies": BODIES,
        "framing": FRAMING,
        "upgrades": UPGRADES,
        "websockets": WEBSOCKETS,
        "answers": ANSWERS,
        "failures": FAILURES,
    }.items()
}
