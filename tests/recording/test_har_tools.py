"""HAR files as browsers, proxies and clients write them: one odd entry costs itself only."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from crossfade.contract.recording.har_entries import Entry, read_entry
from crossfade.messages.exchange import Request

FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data"
SHOP = "https://shop.example"


def read(url: str, method: str = "POST", status: Any = 200, **asked: Any) -> Entry:
    """Read one entry."""
    listed = asked.pop("headers", {})
    headers = [{"name": name, "value": value} for name, value in listed.items()]
    more = asked.pop("more", {})
    document = {"method": method, "url": url, "headers": headers, **asked}
    return read_entry({"request": document, "response": {"status": status}, **more})


def request(entry: Entry) -> Request:
    """The request of an entry that can be used."""
    assert entry.request is not None, entry.reason
    return entry.request


def test_chrome() -> None:
    """HTTP/2's pseudo headers are none; `params` repeat the text."""
    entry = read(
        f"{SHOP}/login?next=%2F",
        headers={":authority": "shop.example", "content-type": FORM, "cookie": "a=b"},
        postData={
            "mimeType": FORM,
            "text": "a=1&b=%C3%BC",
            "params": [{"name": "a", "value": "1"}],
        },
        bodySize=12,
        more={"_resourceType": "fetch", "_initiator": {"type": "script"}},
    )
    sent = request(entry)
    assert (sent.target, sent.body) == (b"/login?next=%2F", b"a=1&b=%C3%BC")
    assert [name for name, _ in sent.headers] == ["content-type", "cookie", "host"]
    assert (entry.host, entry.scheme, entry.status) == ("shop.example", "https", 200)


def test_firefox() -> None:
    """The head of a form may stand before its text; the answer's status may be missing."""
    text = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1"
    data = {"mimeType": FORM, "params": [], "text": text}
    entry = read_entry(
        {"request": {"method": "POST", "url": f"{SHOP}/f", "headers": [], "postData": data}}
    )
    assert request(entry).body == b"a=1"
    assert request(entry).values("content-type") == (FORM,)
    assert entry.status == 0


def test_safari() -> None:
    """Methods in lower case, `bodySize` of -1, no `postData`."""
    entry = read(
        f"{SHOP}/a", "get", bodySize=-1, headersSize=-1, more={"_fetchType": "Network Load"}
    )
    assert request(entry).method == "GET"
    assert request(entry).body == b""


def test_insomnia() -> None:
    """The query, cookies and the type of a body stand in lists of their own."""
    sent = request(
        read(
            f"{SHOP}/a",
            queryString=[{"name": "q", "value": "a b"}, {"name": "ü", "value": ""}],
            cookies=[{"name": "session", "value": "x"}],
            postData={"mimeType": "application/json", "text": "{}"},
        )
    )
    assert sent.target == b"/a?q=a+b&%C3%BC="
    assert sent.values("cookie") == ("session=x",)
    assert sent.values("content-type") == ("application/json",)


def test_postman() -> None:
    """A URL as an object, headers by `key`, switched off ones; a form of fields without text."""
    entry = read_entry(
        {
            "request": {
                "method": "POST",
                "url": {"raw": f"{SHOP}/a?b=1", "host": ["shop", "example"]},
                "headers": [
                    {"key": "X-A", "value": "1"},
                    {"key": "X-Off", "value": "2", "disabled": True},
                ],
                "postData": {"mimeType": UPLOAD, "params": [{"key": "name", "value": "ada"}]},
            },
            "response": None,
        }
    )
    sent = request(entry)
    assert sent.target == b"/a?b=1"
    assert ("x-a", "1") in sent.headers
    assert not sent.values("x-off")
    assert b'name="name"\r\n\r\nada\r\n' in sent.body
    (kind,) = sent.values("content-type")
    assert sent.body.startswith(b"--" + kind.partition("boundary=")[2].encode() + b"\r\n")


def test_mitmproxy() -> None:
    """Bytes that are not UTF-8 are halves of surrogate pairs; a text beside empty `params`."""
    data = {"mimeType": "image/png", "text": "\udc89PNG\udcff", "params": []}
    assert request(read(f"{SHOP}/a", postData=data)).body == b"\x89PNG\xff"


def test_charles() -> None:
    """Bodies in base64, and a charset that the text was decoded from."""
    text = base64.b64encode(b"\x00\xff").decode()
    data = {"mimeType": "application/octet-stream", "text": text, "encoding": "base64"}
    assert request(read(f"{SHOP}/a", postData=data)).body == b"\x00\xff"
    data = {"mimeType": "text/plain; charset=iso-8859-1", "text": "ü"}
    assert request(read(f"{SHOP}/a", postData=data)).body == b"\xfc"


def test_url_that_is_not_ascii_keeps_its_body() -> None:
    """It is sent as a browser sends it; the host is compared in ASCII."""
    data = {"mimeType": "application/json", "text": '{"a": "ü"}'}
    entry = read("https://Bücher.example:443/größe/日本?q=ü b", postData=data)
    sent = request(entry)
    assert sent.target == b"/gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC?q=%C3%BC%20b"
    assert sent.body == '{"a": "ü"}'.encode()
    assert entry.host == "xn--bcher-kva.example"


def test_header_of_several_lines_is_one() -> None:
    """Some tools put line breaks between repeated headers."""
    sent = request(read(f"{SHOP}/a", "GET", headers={"X-A": "1\n2", "X B": "3", "x-ü": "4"}))
    assert [pair for pair in sent.headers if pair[0] != "host"] == [("x-a", "1, 2")]


ODD: dict[str, tuple[Any, str]] = {
    "a text": ("entry", "the entry can't be read (TypeError"),
    "null": (None, "the entry can't be read (TypeError"),
    "nothing": ({}, "the entry can't be read (no 'request')"),
    "no URL": ({"request": {"method": "GET"}}, "the entry can't be read (no 'url')"),
    "no method": ({"request": {"url": f"{SHOP}/"}}, "the entry can't be read (no 'method')"),
    "bad URL": ({"request": {"method": "GET", "url": "http://[x/"}}, "the entry can't be read (V"),
    "data URL": ({"request": {"method": "GET", "url": "data:,x"}}, "not HTTP (data)"),
    "extension": (
        {"request": {"method": "GET", "url": "chrome-extension://a/b"}},
        "not HTTP (chrome-extension)",
    ),
    "relative": ({"request": {"method": "GET", "url": "/a"}}, "not HTTP (a URL without a host)"),
    "socket": ({"request": {"method": "GET", "url": "wss://a/b"}}, "a WebSocket connection"),
    "socket, mitmproxy": (
        {"request": {"method": "GET", "url": f"{SHOP}/b"}, "_resourceType": "websocket"},
        "a WebSocket connection",
    ),
    "socket, Firefox": (
        {
            "request": {
                "method": "GET",
                "url": f"{SHOP}/b",
                "headers": [{"name": "Upgrade", "value": "websocket"}],
            },
            "response": {"status": 101},
        },
        "a WebSocket connection",
    ),
    "101": (
        {"request": {"method": "GET", "url": f"{SHOP}/b"}, "response": {"status": 101}},
        "a connection that changed to another protocol (101)",
    ),
    "tunnel": ({"request": {"method": "CONNECT", "url": f"{SHOP}:443"}}, "a tunnel (CONNECT)"),
    "method": ({"request": {"method": "G\x1bET", "url": f"{SHOP}/"}}, "a method that HTTP does"),
    "no body": (
        {"request": {"method": "POST", "url": f"{SHOP}/", "bodySize": 7}},
        "the file lacks its body",
    ),
    "upload": (
        {
            "request": {
                "method": "POST",
                "url": f"{SHOP}/",
                "postData": {"mimeType": UPLOAD, "params": [{"name": "f", "fileName": "a.png"}]},
            }
        },
        "the file lacks its body",
    ),
    "not base64": (
        {
            "request": {
                "method": "POST",
                "url": f"{SHOP}/",
                "postData": {"text": "%%", "encoding": "base64"},
            }
        },
        "a body that is no base64",
    ),
    "damaged": (
        {"request": {"method": "POST", "url": f"{SHOP}/", "postData": {"text": "\ufffdPNG"}}},
        "a binary body that the file has as text, damaged",
    ),
}


@pytest.mark.parametrize(("entry", "reason"), ODD.values(), ids=list(ODD))
def test_odd_entry_says_why_it_is_not_kept(entry: Mapping[str, Any], reason: str) -> None:
    """It never raises."""
    found = read_entry(entry)
    assert found.request is None
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("status", [None, "", "200 OK", -1, "x", [], 1e400])
def test_odd_status_is_none(status: Any) -> None:
    """The request counts."""
    assert read(f"{SHOP}/a", "GET", status).status in (0, 200)
