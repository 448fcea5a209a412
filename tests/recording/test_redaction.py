"""What is secret, and what becomes of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.contract.recording.redaction import OfEnvironment, Redaction, UnreadableError
from crossfade.messages.exchange import Request


def sent(body: bytes, media: str = "application/json", target: bytes = b"/") -> Request:
    """A request with a body."""
    return Request("POST", target, (("content-type", media),), body)


def test_json_keeps_its_shape() -> None:
    """Text, numbers, lists and objects below a secret name; and what is not secret as it is."""
    document = {
        "user": {"name": "ada", "password": "p", "pin": 1234, "tokens": ["a", {"b": "c"}]},
        "secret": {"deep": [1.5, True, None, ""]},
        "list": [{"otp": "1"}],
    }
    body = Redaction().request(sent(json.dumps(document).encode())).body
    assert json.loads(body) == {
        "user": {
            "name": "ada",
            "password": "REDACTED",
            "pin": 0,
            "tokens": ["REDACTED", {"b": "REDACTED"}],
        },
        "secret": {"deep": [0, True, None, ""]},
        "list": [{"otp": "REDACTED"}],
    }


def test_a_body_without_secrets_keeps_every_byte() -> None:
    """Odd JSON is what contracts are about."""
    for body in (b'{ "a":1.0,\t"a" : 2}', b"[1e5]", b'"x"', b"{", b"plain text"):
        assert Redaction().request(sent(body)).body == body


def test_duplicate_keys_hide_nothing() -> None:
    """Both values are gone."""
    body = Redaction().request(sent(b'{"password": "S1", "password": "S2"}')).body
    assert b"S1" not in body
    assert b"S2" not in body


def test_an_upload_keeps_its_other_parts() -> None:
    """Only the field's content goes."""
    body = (
        b'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nS\r\n'
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n'
        b"Content-Type: image/png\r\n\r\n\x00\xff\r\n--b--\r\n"
    )
    clean = Redaction().request(sent(body, "multipart/form-data; boundary=b")).body
    assert clean == body.replace(b"\r\n\r\nS\r\n", b"\r\n\r\nREDACTED\r\n")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"password": "S"', ()),
        (b"<a token='S'", ()),
        (b"anything", (("content-encoding", "gzip"),)),
        (b"[" * 100_000 + b'"password"', ()),
    ],
)
def test_what_cannot_be_taken_apart_is_not_kept(
    body: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    """It may hold a secret."""
    request = Request("POST", b"/", (("content-type", "application/json"), *headers), body)
    with pytest.raises(UnreadableError):
        Redaction().request(request)


def test_urls_in_headers() -> None:
    """The page where somebody came from may have had a token in its query."""
    headers = (("referer", "https://a/?reset_token=S&b=1"), ("cookie", "a=S; theme=dark"))
    clean = Redaction(keep=("theme",)).request(Request("GET", b"/", headers))
    assert clean.headers == (
        ("referer", "https://a/?reset_token=REDACTED&b=1"),
        ("cookie", "theme=dark"),
    )


def test_the_length_follows_the_body() -> None:
    """A request that named its length can be sent still."""
    request = Request("POST", b"/", (("content-length", "18"),), b'{"password": "ab"}')
    clean = Redaction().request(request)
    assert clean.headers == (("content-length", str(len(clean.body))),)


def test_values_of_the_environment() -> None:
    """What a test took from outside is no test data; short values are not looked for."""
    redaction = OfEnvironment({"API_TOKEN": "hunter2hunter2", "PIN": "1", "HOME": "/srv/shop"})
    request = Request("POST", b"/srv/shop/1", (("authorization", "Bearer hunter2hunter2"),), b"x=1")
    clean = redaction.request(request)
    assert clean.headers == (("authorization", "Bearer REDACTED"),)
    assert (clean.target, clean.body) == (request.target, request.body)
    form = Request("POST", b"/?a=p%40ss%2Fw%26rd%3D", (), b'{"a": "p@ss/w&rd="}')
    clean = OfEnvironment({"API_SECRET": "p@ss/w&rd="}).request(form)
    assert (clean.target, clean.body) == (b"/?a=REDACTED", b'{"a": "REDACTED"}')


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(_json, st.sampled_from(["password", "userToken", "api_key", "Secret"]))
def test_no_secret_survives(document: object, name: str) -> None:
    """Wherever the field stands."""
    body = json.dumps({"a": [document, {name: "MARK", "b": {name: {"c": ["MARK"]}}}]}).encode()
    assert b"MARK" not in Redaction().request(sent(body)).body


@given(st.binary(max_size=200), st.sampled_from(["application/json", "text/plain", "a/b", ""]))
def test_any_body_is_kept_or_refused(body: bytes, media: str) -> None:
    """Never an exception of another kind, and never a change without cause."""
    try:
        clean = Redaction().request(sent(body, media)).body
    except UnreadableError:
        return
    assert clean == body or b"REDACTED" in clean
