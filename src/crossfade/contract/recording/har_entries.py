"""One entry of a HAR file as a request, in the spellings of the tools that write such files.

Source: http://www.softwareishard.com/blog/har-12-spec/. Beyond it are known: HTTP/2's pseudo
headers, bodies in base64, forms and uploads as `params` without their text, a query or cookies as a
list only (Insomnia), URLs as objects (Postman), bytes as halves of surrogate pairs (mitmproxy), the
head of a form before its text (Firefox), and what browsers note of WebSockets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urlsplit

from crossfade.messages.exchange import Request

_FORM: Final = "application/x-www-form-urlencoded"
_VISIBLE: Final = "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_METHOD: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,19}")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEAD: Final = re.compile(r"(?:[A-Za-z-]+: [^\r\n]*\r\n)+\r\n")
_BOUNDARY: Final = "----------crossfade-form-part"

NO_BODY: Final = "the file lacks its body"
_DAMAGED: Final = "a binary body that the file has as text, damaged"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a HAR file.

    Attributes:
        request: as it was sent; None where it is no request that can be sent again.
        host: with its port, where that is not the scheme's own; "" where there is none.
        scheme: `http` or `https`.
        status: of the answer; 0 where there was none.
        reason: why there is no request.
    """

    request: Request | None
    host: str
    scheme: str
    status: int
    reason: str = ""


class _Unusable(Exception):
    """An entry can't become a case; the argument says why."""


def read_entry(entry: Any) -> Entry:
    """Return an entry, whatever stands there."""
    host, scheme, status = "", "", 0
    try:
        asked = entry["request"]
        status = _status(entry)
        url = _url(asked)
        host, scheme = host_of(url.netloc, url.scheme), url.scheme.lower()
        _check(entry, asked, url.scheme.lower(), status)
        return Entry(_request(asked, url, host), host, scheme, status)
    except _Unusable as error:
        return Entry(None, host, scheme, status, str(error))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        return Entry(None, host, scheme, status, f"the entry can't be read ({_said(error)})")


def host_of(netloc: str, scheme: str = "") -> str:
    """A host as it is compared: in lower case, in ASCII, without credentials and default ports."""
    host = netloc.rpartition("@")[2].lower()
    port = {"http": ":80", "https": ":443"}.get(scheme.lower())
    host = host.removesuffix(port) if port else host
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _said(error: Exception) -> str:
    kind = type(error).__name__
    return f"no {error}" if isinstance(error, KeyError) else f"{kind}: {str(error)[:60]}"


def _status(entry: Mapping[str, Any]) -> int:
    found = (entry.get("response") or {}).get("status")
    try:
        return max(int(found or 0), 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def _url(asked: Mapping[str, Any]) -> Any:
    url = asked["url"]
    if isinstance(url, Mapping):
        url = url.get("raw") or url.get("url")
    found = urlsplit(str(url).strip())
    if not found.netloc and found.scheme not in ("http", "https"):
        raise _Unusable(f"not HTTP ({found.scheme or 'a URL without a host'})")
    return found


def _check(entry: Mapping[str, Any], asked: Mapping[str, Any], scheme: str, status: int) -> None:
    method = str(asked["method"])
    names = {str(name).lower(): str(value).lower() for name, value in _listed(asked.get("headers"))}
    socket = scheme in ("ws", "wss") or names.get("upgrade") == "websocket"
    kind = str(entry.get("_resourceType") or "").lower()
    if socket or kind == "websocket" or "_webSocketMessages" in entry:
        raise _Unusable("a WebSocket connection")
    if status == 101:
        raise _Unusable("a connection that changed to another protocol (101)")
    if scheme not in ("http", "https"):
        raise _Unusable(f"not HTTP ({scheme})")
    if method.upper() == "CONNECT":
        raise _Unusable("a tunnel (CONNECT)")
    if not _METHOD.fullmatch(method):
        raise _Unusable("a method that HTTP does not have")


def _request(asked: Mapping[str, Any], url: Any, host: str) -> Request:
    path = url.path if url.path.startswith("/") else f"/{url.path}"
    query = url.query
    if not query:
        listed = list(_listed(asked.get("queryString")))
        query = urlencode(listed) if listed else ""
    target = quote(path + (f"?{query}" if query else ""), safe=_VISIBLE)
    headers = [
        (name.lower(), _header(value))
        for name, value in _listed(asked.get("headers"))
        if _TOKEN.fullmatch(name)
    ]
    body, kind = _body(asked.get("postData"), headers)
    given = {name for name, _ in headers}
    if kind and body and "content-type" not in given:
        headers.append(("content-type", _header(kind)))
    cookies = list(_listed(asked.get("cookies")))
    if cookies and "cookie" not in given:
        headers.append(("cookie", _header("; ".join(f"{n}={v}" for n, v in cookies))))
    if "host" not in given:
        headers.append(("host", host))
    if not body and _was_sent(asked, headers):
        raise _Unusable(NO_BODY)
    return Request(str(asked["method"]).upper(), target.encode("ascii"), tuple(headers), body)


def _listed(found: Any) -> Iterator[tuple[str, str]]:
    """The pairs of a list of headers, parameters or cookies, in any of its spellings."""
    if isinstance(found, Mapping):
        yield from ((str(name), str(value)) for name, value in found.items())
        return
    for each in found or ():
        if isinstance(each, Mapping) and not each.get("disabled"):
            name = each.get("name", each.get("key"))
            if name:
                value = each.get("value")
                yield str(name), "" if value is None else str(value)


def _header(value: str) -> str:
    """A value as latin-1 text without line breaks, which some tools put between repeated lines."""
    text = re.sub(r"\s*[\r\n]+\s*", ", ", value.strip()).replace("\0", "")
    raw = text.encode("utf-8", "surrogateescape") if not text.isascii() else text.encode()
    return raw.decode("latin-1")


def _was_sent(asked: Mapping[str, Any], headers: list[tuple[str, str]]) -> bool:
    """Whether the request had a body, of which the file tells nothing but the size."""
    sizes = [value for name, value in headers if name == "content-length"]
    sizes.append(str(asked.get("bodySize") or 0))
    return any(size.strip().isdigit() and int(size) > 0 for size in sizes)


# --- bodies --------------------------------------------------------------------------------------


def _body(data: Any, headers: list[tuple[str, str]]) -> tuple[bytes, str]:
    """The body and its type; empty where there was none."""
    if not data:
        return b"", ""
    sent = next((value for name, value in headers if name == "content-type"), "")
    kind = sent or str(data.get("mimeType") or "")
    media = kind.partition(";")[0].strip().lower()
    text = data.get("text")
    if text:
        return _of_text(str(text), data, kind), kind
    params = [each for each in data.get("params") or () if isinstance(each, Mapping)]
    if data.get("fileName") or data.get("_file"):
        raise _Unusable(NO_BODY)
    if not params:
        return b"", kind
    if media == _FORM:
        # Browsers write them as they were sent or decoded; a form that was sent has no blanks.
        pairs = [(unquote(name), unquote(value)) for name, value in _listed(params)]
        return urlencode(pairs).encode(), kind
    if media == "multipart/form-data":
        return _upload(params, kind, headers)
    raise _Unusable(NO_BODY)


def _of_text(text: str, data: Mapping[str, Any], kind: str) -> bytes:
    if str(data.get("encoding") or data.get("_encoding") or "").lower() == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            raise _Unusable("a body that is no base64") from None
    if kind.lower().startswith(_FORM):
        text = text[found.end() :] if (found := _HEAD.match(text)) else text
    if "\ufffd" in text:
        raise _Unusable(_DAMAGED)
    charset = re.search(r"""(?i)charset\s*=\s*["']?([\w.:-]+)""", kind)
    for encoding, errors in ((charset[1] if charset else "utf-8", "strict"), ("utf-8", "strict")):
        try:
            return text.encode(encoding, errors)
        except (LookupError, UnicodeError):
            continue
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeError:
        raise _Unusable(_DAMAGED) from None


def _upload(
    params: list[Mapping[str, Any]], kind: str, headers: list[tuple[str, str]]
) -> tuple[bytes, str]:
    """The body of a form whose fields are listed; its files are not."""
    if any(each.get("fileName") or each.get("value") is None for each in params):
        raise _Unusable(NO_BODY)
    found = re.search(r'boundary="?([^";]+)"?', kind)
    boundary = found[1] if found else _BOUNDARY
    if not found:
        kind = f"{kind.rstrip('; ')}; boundary={boundary}"
        headers[:] = [(n, kind if n == "content-type" else v) for n, v in headers]
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in _listed(params)
    ]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode("utf-8", "surrogatepass"), kind
