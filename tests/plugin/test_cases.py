"""The text of cases: every byte comes back, and what is wrong is said with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.contract.cases.http_file import (
    Case,
    CaseError,
    complete,
    dump_cases,
    parse_cases,
    read_cases,
)
from crossfade.messages.exchange import Request

TEXT = """\
# @route POST /users

### a good body
POST /users
content-type: application/json

{"name": "Ada"}

### not JSON, by a member
# @login ada
# @origin har:shop.har
POST /users?page=%2F
content-type: application/json

{"name":
"""


def test_a_file_as_people_write_it() -> None:
    """Settings, request line, headers, body; the route stands above all cases."""
    good, bad = parse_cases(TEXT, "users.http")
    json = (("content-type", "application/json"),)
    assert good == Case(
        Request("POST", b"/users", json, b'{"name": "Ada"}'), "a good body", "POST /users"
    )
    assert bad.request.target == b"/users?page=%2F"
    assert bad.request.body == b'{"name":'
    assert (bad.login, bad.origin) == ("ada", "har:shop.har")


def test_what_is_written_is_what_was_read() -> None:
    """A file that was dumped stays as it is; Windows' line ends are no part of a body."""
    assert dump_cases(parse_cases(TEXT, "f")) == TEXT
    assert parse_cases(TEXT.replace("\n", "\r\n"), "f") == parse_cases(TEXT, "f")


def test_bodies_that_are_no_plain_text() -> None:
    """They are escaped, and can be read still."""
    form = (
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n' + b"x" * 600 + b"\r\n--b--\r\n"
    )
    text = dump_cases([Case(Request("POST", b"/a", (), form), "an upload")])
    assert text.split("\n") == [
        "### an upload",
        "# @body escaped",
        "POST /a",
        "",
        r"--b\r\n",
        r'content-disposition: form-data; name="a"\r\n',
        r"\r\n",
        r"\(x*600)\r\n",
        r"--b--\r\n",
        "",
    ]
    assert parse_cases(text, "f")[0].request.body == form


_tokens = st.text(st.characters(max_codepoint=255), min_size=1)
_line = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: " ".join(text.split()))
_bodies = st.one_of(
    st.binary(),
    st.text(st.characters(exclude_categories=["Cs"])).map(str.encode),
    st.lists(
        st.sampled_from(
            [b"###", b"#", b"\n", b"\r\n", b" ", b"\\", b"a", b"\xff", b"\\(a*3)", b"x" * 70]
        )
    ).map(b"".join),
)
_cases = st.builds(
    Case,
    request=st.builds(
        Request,
        method=_tokens,
        target=st.binary(min_size=1),
        headers=st.lists(
            st.tuples(
                _tokens.map(str.lower).filter(
                    lambda name: name.encode("latin-1", "replace").decode("latin-1") == name
                ),
                st.text(st.characters(max_codepoint=255)),
            )
        ).map(tuple),
        body=_bodies,
    ),
    name=_line.filter(lambda text: bool(text.lstrip("# ")) and not text.startswith("#")),
    route=_line,
    login=_line,
    sequence=_line,
    origin=_line,
)


@given(st.lists(_cases))
def test_every_byte_comes_back(cases: list[Case]) -> None:
    """Whatever was recorded is what is sent."""
    assert list(parse_cases(dump_cases(cases), "f")) == cases


WRONG = r"""
GET /stray
### one
# @rout GET /a
GET /a
### two
### three
# @body json
GET /a b
### four
GET /a
accept */*
### five
GET /a
x: \q
### six
# @body base64
GET /a

&
"""


def test_every_problem_is_said_with_its_line(tmp_path: Path) -> None:
    """File, line, case, what is wrong and what would be right."""
    file = tmp_path / "bad.http"
    file.write_text(WRONG)
    with pytest.raises(CaseError) as caught:
        read_cases(file)
    assert [str(problem).replace(str(file), "f") for problem in caught.value.problems] == [
        "f:2: 'GET /stray' belongs to no case. Begin it with ### and a name.",
        'f:4: one: unknown setting @rout. Did you mean "route"?',
        "f:6: two: the case has no request line. Write one below the name: GET /users/1",
        "f:8: three: unknown form of a body: 'json'. Use text, escaped or base64.",
        "f:9: three: 'GET /a b' is no request line. Write method and target: GET /users/1?page=2",
        "f:12: four: 'accept */*' is no header. Write name: value, and an empty line before the "
        "body.",
        r"f:15: five: '\\q' is no escape. Write \\ for a backslash.",
        "f:20: six: the body is no base64",
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """No file, and one in another encoding."""
    with pytest.raises(CaseError, match="No such file"):
        read_cases(tmp_path / "none.http")
    (tmp_path / "latin.http").write_bytes(b"### a\nGET /\xe9\n")
    with pytest.raises(CaseError, match=r"latin.http:2: the file is not UTF-8"):
        read_cases(tmp_path / "latin.http")


def test_what_every_client_adds() -> None:
    """Host and length, unless the case names them or is chunked."""
    assert complete(Request("GET", b"/"), "shop").headers == (("host", "shop"),)
    sent = complete(Request("POST", b"/", (("host", "b"),), b"ab"), "shop")
    assert sent.headers == (("content-length", "2"), ("host", "b"))
    chunked = Request("POST", b"/", (("transfer-encoding", "chunked"), ("host", "b")), b"ab")
    assert complete(chunked, "shop") == chunked
