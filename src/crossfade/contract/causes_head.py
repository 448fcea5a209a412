"""Why headers and cookies differ."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

from crossfade.compare import Difference
from crossfade.contract.advice import Advice, is_default_page
from crossfade.contract.noise import READ_WITH_KEY
from crossfade.exchange import Exchange

_FILE: Final = "FlaskResponse(flask.send_file(…)) (crossfade.compat) sends Flask's headers"


_DEFAULT_PAGE: Final = Advice(
    "natively an HTTPException was raised, or a parameter or model refused the input, and Werkzeug "
    "writes its own page for that; the Flask view returns its error, or raises what an error "
    "handler renders",
    "raise natively what the view raises, so that Flask's error handler renders it, or return the "
    "view's answer; what a parameter or model refuses, validation_error(…) of crossfade.compat "
    "says in the view's words",
)


def default_page(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Werkzeug's own page for an error that the view words itself."""
    words_it = legacy.response.status >= 400 and not is_default_page(legacy)
    return _DEFAULT_PAGE if words_it and is_default_page(native) else None


def content_type(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """HTML against JSON, and parameters."""
    if difference.where != "header.content-type":
        return None
    ours, theirs = legacy.response, native.response
    if difference.native is None:
        return Advice(
            "Flask names the type of every answer, of one without a body too; a Response of "
            "Starlette's names none unless told",
            f'return FlaskResponse(("", {ours.status})) of crossfade.compat, or give the response '
            f"headers={{'content-type': {difference.legacy!r}}}",
        )
    if ours.media_type == "text/html" and theirs.media_type == "application/json":
        if theirs.status >= 400:
            return Advice(
                "FastAPI writes an HTTPException as JSON, Werkzeug's abort writes a page of HTML "
                "or what Flask's error handlers make of it",
                'keep hooks = "flask" in the map: Flask\'s own error handlers render it then; or '
                "render it in an exception handler of the FastAPI app",
            )
        if not ours.status == theirs.status < 300:
            return None
        return Advice(
            "a `str` or bytes that a Flask view returns is HTML; FastAPI makes it a JSON string",
            "return HTMLResponse(...), or name it: response_class=HTMLResponse",
        )
    page = default_page(difference, legacy, native)
    if page is not None:
        return page
    if ours.media_type == theirs.media_type:
        return Advice(
            "the same media type with other parameters",
            f"give the response media_type={difference.legacy!r}",
        )
    return None


def framing(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Streamed or whole."""
    if difference.where != "header.content-length":
        return None
    if difference.legacy is None:
        return Advice(
            "Flask streams this answer, FastAPI sends it whole",
            "return a StreamingResponse",
        )
    if difference.native is None:
        return Advice(
            "FastAPI streams this answer, Flask sends it whole",
            "return a Response with the whole body",
        )
    return Advice("the lengths of two bodies that are not sent", "compare the GET as well")


_ONE_PLACE: Final = (
    "let one place compress for both sides: the proxy in front, or Flask's after_request hooks "
    '(keep hooks = "flask" in the map) without GZipMiddleware'
)


def compression(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Two compressors, or one: Flask-Compress and Starlette's GZipMiddleware."""
    name = difference.where.partition(".")[2]
    ours, theirs = (",".join(each.response.values("content-encoding")) for each in (legacy, native))
    about = f"{difference.legacy} {difference.native}".lower()
    if not (
        name == "content-encoding"
        or (ours != theirs and name in ("content-length", "etag"))
        or (name == "vary" and "accept-encoding" in about)
    ):
        return None
    if ours and theirs and ours != theirs:
        return Advice(
            f"both sides compress, Flask as {ours} and FastAPI as {theirs}: Flask-Compress prefers "
            "zstd and br, Starlette's GZipMiddleware knows gzip alone",
            f'{_ONE_PLACE}; or set COMPRESS_ALGORITHM = ["gzip"]',
        )
    if ours == theirs:
        return Advice(
            "one side says that its answer depends on Accept-Encoding: GZipMiddleware adds that to "
            "every answer, Flask-Compress to those of the types in COMPRESS_MIMETYPES",
            _ONE_PLACE,
        )
    if ours:
        return Advice(
            "Flask's answer is compressed (by Flask-Compress, say), FastAPI's is not: "
            "GZipMiddleware takes gzip alone and leaves short bodies (minimum_size, 500 bytes)",
            _ONE_PLACE,
        )
    return Advice(
        "FastAPI's answer is compressed (by GZipMiddleware, say), Flask's is not: Flask-Compress "
        "leaves short bodies (COMPRESS_MIN_SIZE), types that COMPRESS_MIMETYPES lacks, and by "
        "default streamed answers",
        _ONE_PLACE,
    )


_KNOWN: Final = {
    "vary": Advice(
        "Flask adds `Vary: Cookie` when a view or a hook touches the session",
        "read the session by the dependency Session of crossfade.compat, or add it natively: "
        'response.headers["Vary"] = "Cookie"',
    ),
    "location": Advice(
        "Flask sends a redirect's URL as it is given; Starlette builds absolute URLs in `url_for` "
        "and quotes what it is given",
        "give RedirectResponse the same text",
    ),
    "etag": Advice(
        "FileResponse makes its ETag of time and size by MD5, Flask's send_file by Adler-32",
        _FILE,
    ),
    "cache-control": Advice(
        "Flask's send_file and static files say no-cache, FileResponse says nothing",
        _FILE,
    ),
    "content-disposition": Advice("the two frameworks spell a file's name differently", _FILE),
    "accept-ranges": Advice("FileResponse always offers ranges, Flask's send_file seldom", _FILE),
    "last-modified": Advice("Flask's send_file gives the time of the file", _FILE),
    "www-authenticate": Advice(
        "one side says how to log in, or says it otherwise: FastAPI's security schemes do, and "
        "HTTPException(401, headers=…)",
        "raise natively what guards the view: decorated(…) of crossfade.compat with the view's own "
        "decorator",
    ),
    "allow": Advice(
        "Flask lists HEAD and OPTIONS; Starlette only the methods that the route names",
        "let Flask answer OPTIONS and wrong methods (it does, through the gateway)",
    ),
}


def known(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Headers that the frameworks themselves write."""
    name = difference.where.partition(".")[2]
    if name.startswith("access-control-"):
        if difference.native is not None and difference.legacy is not None:
            cause = "CORS headers are added on both sides, by middleware with other options"
        else:
            cause = "CORS headers are added by one side's middleware only"
        return Advice(
            cause,
            'let Flask add them for both: keep hooks = "flask" in the map and remove '
            "CORSMiddleware, or give it the options that Flask-CORS has",
        )
    if name == "vary" and "origin" in f"{difference.legacy} {difference.native}".lower():
        return Advice(
            "CORS headers are added by different middleware on the two sides",
            "let one of them add the headers for both: remove CORSMiddleware, or give it the "
            "options that Flask-CORS has",
        )
    ours, theirs = difference.legacy, difference.native
    if name == "vary" and "cookie" not in f"{ours} {theirs}".lower():
        return None if theirs is None else _OTHER
    if name in _IF_BOTH and (ours is None or theirs is None):
        return None
    if name == "cache-control" and theirs is None and "no-cache" not in (ours or ""):
        return None
    if name == "location" and theirs is not None and not 300 <= legacy.response.status < 400:
        return Advice(
            "Flask sends a Location as the view gives it; `url_for` of Starlette's request builds "
            "an absolute URL",
            "give the response the same text",
        )
    if name == "location" and not _same_url(ours or "", theirs or ""):
        return Advice("the two sides redirect elsewhere", "redirect to the URL that the view gives")
    if name == "etag" and (ours or "").strip('W/"') == (theirs or "").strip('W/"'):
        return Advice(
            "the same ETag, quoted or marked as weak otherwise (RFC 9110, 8.8.3)",
            f"headers={{'etag': {ours!r}}}: with its quotes",
        )
    if name in _OF_FILES and theirs is None and legacy.response.media_type.endswith("json"):
        return None  # no file: the view did it
    return _KNOWN.get(name)


def _same_url(ours: str, theirs: str) -> bool:
    """Whether two URLs are one but for how they are quoted, and whether they name the host."""
    one, other = (urlsplit(unquote(url)) for url in (ours, theirs))
    return one[2:] == other[2:]


_IF_BOTH: Final = frozenset({"location", "content-disposition"})
"""Headers that the two frameworks spell differently; where one side has none, its view did it."""

_OF_FILES: Final = frozenset({"etag", "last-modified", "accept-ranges"})

_OTHER: Final = Advice(
    "the two sides say that other headers of the request decide over the answer",
    "set the same Vary natively",
)


def hook(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A header of the application's own."""
    if difference.native is None:
        return Advice(
            "set by the Flask view, by an `after_request` hook or by an extension",
            "set it natively as well, on the Response that the handler returns if it returns one; "
            'or keep hooks = "flask" in the map where a hook sets it',
        )
    return None


# --- cookies -----------------------------------------------------------------------------------

_SET_COOKIE: Final = "set_cookie(response, …) of crossfade.compat writes it as Flask does"


def samesite(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Starlette's default attribute."""
    if difference.where.endswith(".samesite") and difference.legacy is None:
        return Advice(
            "Starlette's default is SameSite=lax, Flask's is to send none",
            f"{_SET_COOKIE}; or response.set_cookie(..., samesite=None)",
        )
    return None


def session(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Flask's signed session."""
    if difference.where != "cookie.session":
        return None
    if difference.note == READ_WITH_KEY:
        return Advice(
            "the two sides leave other values in Flask's session",
            "set in the handler what the view sets (session.permanent is one of them), by the "
            "dependency Session of crossfade.compat",
        )
    return Advice(
        "Flask writes its session as its own signed cookie; Starlette's SessionMiddleware has "
        "another format under the same name, and one write of it logs the user out",
        "write the session by Flask's own session interface: the dependency Session of "
        "crossfade.compat",
    )


def value(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Quoting."""
    ours, theirs = difference.legacy or "", difference.native or ""
    if ours and theirs and difference.where.count(".") == 1:
        return Advice(
            "Werkzeug quotes a value and writes non-ASCII as octal escapes of UTF-8; Starlette "
            "sends latin-1",
            _SET_COOKIE,
        )
    return None


def attribute(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Lifetime, HttpOnly, Secure, path and domain."""
    _, _, rest = difference.where.partition(".")
    name = rest.rpartition(".")[2] if "." in rest else ""
    if name == "expires" and difference.native is None:
        return Advice(
            "with a max_age Werkzeug sends Expires, too; Starlette Max-Age alone", _SET_COOKIE
        )
    if name in ("expires", "max-age", "httponly", "secure", "path", "domain", "samesite"):
        return Advice(
            f"the cookie has another {name} than the view gives it",
            f"{_SET_COOKIE}, with the view's own options",
        )
    return None


HEADER = (content_type, compression, framing, known, hook)
COOKIE = (samesite, session, attribute, value)
