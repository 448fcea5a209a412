"""Why headers of redirects, files and refusals differ."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from werkzeug.http import parse_options_header

from crossfade.contract.diagnosis.rule import Cause, Severity, View, header_name, rule
from crossfade.messages.compare import Kind
from crossfade.wording import some

# --- places -------------------------------------------------------------------------------------


@rule(
    "XF223", "A URL that is written otherwise",
    "the same URL, quoted otherwise or with its host on one side", Kind.HEADER, Severity.FORM,
)  # fmt: skip
def location(view: View) -> Cause | None:
    """`url_for` of Starlette's."""
    ours, theirs = view.difference.legacy, view.difference.native
    if header_name(view) != "location" or ours is None or theirs is None:
        return None
    one, other = (urlsplit(unquote(url)) for url in (ours, theirs))
    hosts = {one[:2], other[:2]}
    if one[2:] != other[2:] or (len(hosts) > 1 and ("", "") not in hosts):
        return None
    return Cause(
        "Flask sends a Location as the view gives it; `url_for` of Starlette's request builds an "
        "absolute URL, and RedirectResponse quotes what it is given",
        "give the response the same text",
        f"{ours} and {theirs} are one URL",
        "location",
    )


@rule("XF224", "Another target", "both answers have a Location, to other URLs", Kind.HEADER,
      general=True)  # fmt: skip
def elsewhere(view: View) -> Cause | None:
    """Two redirects."""
    ours, theirs = view.difference.legacy, view.difference.native
    if header_name(view) != "location" or ours is None or theirs is None:
        return None
    return Cause(
        "the two sides redirect elsewhere",
        "redirect to the URL that the view gives",
        f"Flask to {ours}, FastAPI to {theirs}",
    )


# --- files --------------------------------------------------------------------------------------

_SEND_FILE: Final = re.compile(r'"\d+(\.\d+)?-\d+-\d+"')
"""The ETag of Werkzeug's send_file: time, size and Adler-32 of the path."""
_FILE_RESPONSE: Final = re.compile(r'"[0-9a-f]{32}"')
"""The ETag of Starlette's FileResponse: an MD5."""
_FILE: Final = "FlaskResponse(flask.send_file(…)) (crossfade.compat) sends Flask's headers"


def _flasks_file(view: View) -> bool:
    return any(map(_SEND_FILE.fullmatch, view.legacy.response.values("etag")))


def _starlettes_file(view: View) -> bool:
    response = view.native.response
    return any(map(_FILE_RESPONSE.fullmatch, response.values("etag"))) and bool(
        response.values("last-modified")
    )


@rule(
    "XF225", "The headers of a file",
    "Flask's ETag is one of send_file's or FastAPI's is one of FileResponse's", Kind.HEADER,
)  # fmt: skip
def file(view: View) -> Cause | None:
    """send_file and FileResponse."""
    flasks, starlettes = _flasks_file(view), _starlettes_file(view)
    said = {
        "etag": "FileResponse makes its ETag of time and size by MD5, send_file by Adler-32",
        "cache-control": "send_file and static files say no-cache, FileResponse says nothing",
        "accept-ranges": "FileResponse always offers ranges, send_file seldom",
        "last-modified": "send_file and FileResponse give the time of the file",
        "content-disposition": "send_file and FileResponse name a file by other rules",
    }.get(header_name(view))
    if said is None or not (flasks or starlettes):
        return None
    ours, theirs = view.difference.legacy, view.difference.native
    if header_name(view) == "etag" and None not in (ours, theirs) and not (flasks and starlettes):
        return None
    if header_name(view) == "cache-control" and not (
        flasks and ours == "no-cache" and theirs is None
    ):
        return None
    shown = " and ".join(
        text
        for text, holds in (
            ("Flask's ETag is one of send_file's", flasks),
            ("FastAPI's is one of FileResponse's", starlettes),
        )
        if holds
    )
    return Cause(said, _FILE, shown)


@rule(
    "XF226", "An ETag without its quotes", "the same ETag but for quotes or W/", Kind.HEADER,
    Severity.FORM,
)  # fmt: skip
def etag_quotes(view: View) -> Cause | None:
    """RFC 9110, 8.8.3."""
    ours, theirs = view.difference.legacy, view.difference.native
    if header_name(view) != "etag" or ours is None or theirs is None:
        return None
    if ours.removeprefix("W/").strip('"') != theirs.removeprefix("W/").strip('"'):
        return None
    return Cause(
        "the same ETag, quoted or marked as weak otherwise (RFC 9110, 8.8.3)",
        f"headers={{'etag': {ours!r}}}: with its quotes",
        f"{ours} and {theirs}",
    )


@rule(
    "XF227", "A file's name that is written otherwise",
    "both name the same file in Content-Disposition, written otherwise", Kind.HEADER,
    Severity.FORM, general=True,
)  # fmt: skip
def disposition(view: View) -> Cause | None:
    """Quotes and `filename*`."""
    ours, theirs = view.difference.legacy, view.difference.native
    if header_name(view) != "content-disposition" or ours is None or theirs is None:
        return None
    one, other = parse_options_header(ours), parse_options_header(theirs)
    if one[0] != other[0] or one[1].get("filename") != other[1].get("filename"):
        return None
    return Cause(
        "the two frameworks write a file's name differently", _FILE, f"{ours} and {theirs}"
    )


@rule(
    "XF230", "How to log in", "one side sends WWW-Authenticate, or another one", Kind.HEADER
)  # fmt: skip
def challenge(view: View) -> Cause | None:
    """Security schemes send one."""
    if header_name(view) != "www-authenticate":
        return None
    ours, theirs = view.difference.legacy, view.difference.native
    scheme = f": {some(view.facts.guards)} does" if view.facts.guards and theirs else ""
    return Cause(
        f"one side says how to log in, or says it otherwise{scheme}",
        "raise natively what guards the view: decorated(…) of crossfade.compat with the view's own "
        "decorator; or HTTPException(401, headers=…) with the same header",
        f"Flask {ours}, FastAPI {theirs}",
    )


@rule(
    "XF231", "Methods that Flask adds", "Flask's Allow has HEAD or OPTIONS more than FastAPI's",
    Kind.HEADER,
)  # fmt: skip
def allow(view: View) -> Cause | None:
    """Flask lists HEAD and OPTIONS."""
    if header_name(view) != "allow" or view.difference.native is None:
        return None
    ours, theirs = (
        {part.strip() for part in (each or "").split(",")}
        for each in (view.difference.legacy, view.difference.native)
    )
    more = ours - theirs
    if not more or theirs - ours or not more <= {"HEAD", "OPTIONS"}:
        return None
    return Cause(
        "Flask lists HEAD and OPTIONS; Starlette only the methods that the route names",
        "let Flask answer OPTIONS and wrong methods (it does, through the gateway)",
        f"Flask's Allow has {' and '.join(sorted(more))} more",
    )


OF_FILES = (location, elsewhere, file, etag_quotes, disposition, challenge, allow)
