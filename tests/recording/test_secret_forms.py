"""Secrets are found wherever they stand in a request; everything else stays byte for byte."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from crossfade.contract.recording.redaction import Redaction, UnreadableError
from crossfade.messages.exchange import Request

SECRET = "hunter2leak"
FORM = "application/x-www-form-urlencoded"
UPLOAD = 'multipart/form-data; boundary="b"'


def _json(value: Any) -> str:
    return json.dumps(value)


def _part(disposition: str, content: str = SECRET, end: str = "\r\n", kind: str = "") -> str:
    kind = f"{end}Content-Type: {kind}" if kind else ""
    head = f"--b{end}Content-Disposition: form-data; {disposition}{kind}"
    return f"{head}{end}{end}{content}{end}--b--{end}"


BODIES = {
    "GraphQL argument": (
        _json({"query": f'mutation {{ login(pw: "{SECRET}") {{ id }} }}'}),
        "json",
    ),
    "GraphQL object": (
        f'mutation {{ add(input: {{user: {{apiKey: "{SECRET}", tags: ["a"]}}}}) {{ token: t }} }}',
        "graphql",
    ),
    "GraphQL block string": (f'{{ me(password: """{SECRET}""") {{ id }} }}', "graphql"),
    "GraphQL default": (f'query Q($token: String = "{SECRET}") {{ me {{ id }} }}', "graphql"),
    "GraphQL variables": (_json({"query": "{ a }", "variables": {"i": {"pass": SECRET}}}), "json"),
    "GraphQL variable of a secret argument": (
        _json(
            {
                "query": "mutation($p: String!) { in(password: $p) { id } }",
                "variables": {"p": SECRET},
            }
        ),
        "json",
    ),
    "GraphQL variable before its query": (
        _json(
            {"variables": {"v": {"x": SECRET}}, "query": "mutation M($v: In) { a(auth: {b: $v}) }"}
        ),
        "json",
    ),
    "GraphQL batch": (_json([{"query": f'{{ me(secret: "{SECRET}") {{ id }} }}'}]), "json"),
    "JSON in JSON in JSON": (_json({"a": _json({"b": _json({"password": SECRET})})}), "json"),
    "JSON twice": (f'{{"data": {{"password": "{SECRET}"}}, "data": 1}}', "json"),
    "JSON escaped name": (f'{{"pass\\u0077ord": "{SECRET}"}}', "json"),
    "JSON name and value": (_json({"fields": [{"name": "password", "value": SECRET}]}), "json"),
    "JSON type and value": (_json({"type": "password", "id": "f3", "value": SECRET}), "json"),
    "JSON pairs": (_json([["password", SECRET], ["a", "b"]]), "json"),
    "JSON pairs of which none is one": (_json([f"password: {SECRET}", f"pin: {SECRET}"]), "json"),
    "JSON Patch": (_json([{"op": "add", "path": "/password", "value": SECRET}]), "json-patch+json"),
    "JSON of UTF-16": (_json({"password": SECRET}).encode("utf-16"), "json"),
    "JSON sent as a form": (_json({"password": f"{SECRET}=x&y"}), FORM),
    "ndjson": (f'{{"password": "{SECRET}"}}\n{{"a": 1}}\n', "x-ndjson"),
    "text with an assignment": (_json({"note": f"my password: {SECRET}!"}), "json"),
    "text with a number": (_json({"note": "enter pin: hunter2"}), "json"),
    "text with a URL": (_json({"note": f"<https://a.example/?token={SECRET}>; next"}), "json"),
    "OData": (_json({"filter": f"password eq '{SECRET}'"}), "json"),
    "PEM that is said to be a picture": (f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}", "image/png"),
    "SQL": (_json({"q": f"SET password='{SECRET}', id=1"}), "json"),
    "shell": (_json({"c": f"curl -u ada:{SECRET} -d 'pw={SECRET}' https://a"}), "json"),
    "credentials of a URL": (_json({"url": f"postgres://u:{SECRET}@db/x"}), "json"),
    "base64 of JSON": (
        _json({"x": base64.b64encode(_json({"token": SECRET}).encode()).decode()}),
        "json",
    ),
    "base64 of JSON in a data URL": (
        _json(
            {
                "x": "data:application/json;base64,"
                + base64.b64encode(_json({"token": SECRET}).encode()).decode()
            }
        ),
        "json",
    ),
    "form of GraphQL": (
        f"query={quote_plus('mutation($p: String) { in(pin: $p) { id } }')}"
        f"&variables={quote_plus(_json({'p': SECRET}))}",
        FORM,
    ),
    "form": (f"user=a&pass={SECRET}&pw={SECRET}&passwort={SECRET}&creditCard={SECRET}", FORM),
    "form of brackets": (f"user[password][]={SECRET}&a[0][secret]={SECRET}", FORM),
    "form with JSON": (f"payload={quote_plus(_json({'secret': SECRET}))}", FORM),
    "form of OAuth": (f"grant_type=authorization_code&code={SECRET}", FORM),
    "connection string": (_json({"c": f"AccountName=x;AccountKey={SECRET};Suffix=y"}), "json"),
    "form of SAML": (f"RelayState=x&SAMLResponse={SECRET}", FORM),
    "form, name and value": (f"name=password&value={SECRET}", FORM),
    "URL encoded twice": (f"u={quote_plus(quote_plus(f'https://a/?token={SECRET}'))}", FORM),
    "upload, bare LF": (_part('name="password"', end="\n"), UPLOAD),
    "upload, bare CR": (_part('name="password"', end="\r"), UPLOAD),
    "upload, name without quotes": (_part("name=pw"), UPLOAD),
    "upload, folded head": (_part('\r\n name="pw"'), UPLOAD),
    "upload, RFC 5987": (_part("name*=UTF-8''pass%77ord"), UPLOAD),
    "upload, JSON in a field": (_part('name="meta"', _json({"secret": SECRET})), UPLOAD),
    "upload, JSON in a part": (
        _part('name="m"', _json({"secret": SECRET}), kind="application/json"),
        UPLOAD,
    ),
    "upload of a key": (_part('name="f"; filename="server.key"'), UPLOAD),
    "upload of a PEM": (
        _part('name="f"; filename="a.txt"', f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n"),
        UPLOAD,
    ),
    "upload of settings": (_part('name="f"; filename="x.txt"', f"DB_PASSWORD={SECRET}"), UPLOAD),
    "upload of a table": (_part('name="f"; filename="x.csv"', f"user,pw\nada,{SECRET}"), UPLOAD),
    "XML": (f"<login><user>a</user><password>{SECRET}</password></login>", "xml"),
    "XML attribute": (f'<login user="a" pwd="{SECRET}"/>', "xml"),
    "XML CDATA": (f"<l><apiKey><![CDATA[{SECRET}]]></apiKey></l>", "soap+xml"),
    "XML below a secret": (f"<m><credentials><a><b>{SECRET}</b></a></credentials></m>", "xml"),
    "XML-RPC": (f"<m><name>password</name><value><string>{SECRET}</string></value></m>", "xml"),
    "XML of parameters": (f'<m><param name="token" value="{SECRET}"/></m>', "xml"),
    "SOAP": (
        f'<s:Envelope xmlns:s="u"><s:Header><w:Password xmlns:w="x">{SECRET}</w:Password>'
        "</s:Header></s:Envelope>",
        "soap+xml",
    ),
}


def sent(body: str | bytes, media: str) -> Request:
    """A request with a body of a media type, `application/` before it where none stands there."""
    kind = media if "/" in media else f"application/{media}"
    raw = body.encode() if isinstance(body, str) else body
    return Request("POST", b"/x", (("content-type", kind),), raw)


@pytest.mark.parametrize(("body", "media"), BODIES.values(), ids=list(BODIES))
def test_secret_in_a_body_is_redacted(body: str | bytes, media: str) -> None:
    """Only the secret goes; the form of the body stays."""
    clean = Redaction().request(sent(body, media)).body
    text = clean.replace(b"\0", b"")
    assert b"hunter2" not in text
    assert b"REDACTED" in text


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"\x81\xa2pw\xabhunter2leak", "application/msgpack"),
        (b"\x81\xa2pw\xabhunter2leak", ""),
        (b"\n\x09hunter2le", "application/x-protobuf"),
        (b"hunter2leak", "application/octet-stream"),
        (b"\x89PNG\r\n\x1a\n password hunter2", "image/png"),
        (b"\x89PNG\r\n\x1a\n-----BEGIN PRIVATE KEY-----\nhunter2", "image/png"),
        ('<!DOCTYPE x [<!ENTITY a "hunter2">]><password>&a;</password>', "application/xml"),
        ("password: hunter2", "application/yaml"),
        ("user,password\nada,hunter2", "text/csv"),
        ('--c\r\nContent-Disposition: form-data; name="pw"\r\n\r\nhunter2\r\n--c--', UPLOAD),
        (_part('name="pw"'), "multipart/form-data"),
        (f"password=hunter2\r\n{_part('name=a', 'x')}", UPLOAD),
    ],
)
def test_body_that_may_hold_a_secret_is_refused(body: str | bytes, media: str) -> None:
    """What can't be taken apart is not kept, whatever it may be."""
    raw = body.encode() if isinstance(body, str) else body
    with pytest.raises(UnreadableError):
        Redaction().request(Request("POST", b"/x", (("content-type", media),), raw))


def test_binary_body_is_kept_where_the_team_says_so() -> None:
    """Its media type stands in `keep`; pictures need not."""
    request = sent(b"\x08\x96\x01", "application/x-protobuf")
    assert Redaction(keep=("application/x-protobuf",)).request(request) == request
    picture = sent(b"\x89PNG\xff\x00", "image/png")
    assert Redaction().request(picture) == picture


TARGETS = {
    "nested URL": f"/login?next={quote(f'/reset?token={SECRET}', safe='')}",
    "URL in a URL in a URL": "/a?u="
    + quote(f"https://a/?v={quote(f'/b?w=1&pw={SECRET}', safe='')}", safe=""),
    "signed URL": f"/f?X-Amz-Signature={SECRET}&X-Amz-Credential={SECRET}&sig={SECRET}",
    "CloudFront": f"/f?Policy={SECRET}&Signature={SECRET}&Key-Pair-Id=K1",
    "nginx secure_link": f"/f?md5={SECRET}&expires=1700000000",
    "OAuth": f"/callback?code={SECRET}&state={SECRET}",
    "fragment": f"/a?u={quote(f'https://a/#access_token={SECRET}', safe='')}",
    "path parameter": f"/a;jsessionid={SECRET}/b",
    "reset": f"/password/reset/{SECRET}",
    "credentials": f"/a?u={quote(f'https://u:{SECRET}@b/', safe='')}",
    "GraphQL": f"/graphql?query={quote('{ me(pw: ' + chr(34) + SECRET + chr(34) + ') { id } }')}",
    "semicolons": f"/a?b=1;pw={SECRET};c=2",
    "encoded name": f"/a?pass%77ord={SECRET}",
    "JSON": f"/a?filter={quote(_json({'apiKey': SECRET}))}",
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_secret_in_a_url_is_redacted(target: str) -> None:
    """In its query, in its path, in a URL inside of it."""
    assert b"hunter2" not in Redaction().request(Request("GET", target.encode())).target


@pytest.mark.parametrize(
    ("rule", "path", "clean"),
    [
        ("/reset/<token>", "/reset/abc", "/reset/REDACTED"),
        ("/reset/<int:number>/<token>", "/app/reset/77/7", "/app/reset/77/REDACTED"),
        (
            "/password-reset/<uidb64>/<key>",
            "/password-reset/MQ/c8-3f9a",
            "/password-reset/MQ/REDACTED",
        ),
        ("/verify/<code>", "/verify/abc", "/verify/REDACTED"),
        ("/invite/<slug>/<which>", "/invite/team-a/X7k2P", "/invite/team-a/REDACTED"),
        ("/files/<path:secret>", "/files/a/b", "/files/REDACTED"),
        ("/items/<item_id>", "/items/V1StGXR8_Z5jdHi6B-myT", "/items/V1StGXR8_Z5jdHi6B-myT"),
        ("/items/<which>", "/items/V1StGXR8_Z5jdHi6B-myT", "/items/REDACTED"),
        ("/auth/users/<username>", "/auth/users/ada99", "/auth/users/ada99"),
        ("/login/<provider>", "/login/github", "/login/github"),
        ("/reset/{token}", "/reset/abc", "/reset/REDACTED"),
        ("/f/{secret:path}/{n:int}", "/f/a/b/7", "/f/REDACTED/7"),
        ("<sub>.shop.example/r/<any(a,b):kind>/<token>", "/r/a/b", "/r/a/REDACTED"),
    ],
)
def test_variables_of_a_path_go_by_their_names(rule: str, path: str, clean: str) -> None:
    """A token goes wherever it stands; an id stays, however random it looks."""
    assert Redaction().request(Request("GET", path.encode()), rule).target == clean.encode()


VALUES = {
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123_-",
    "unsigned JWT": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "Flask session": ".eJwljkEKwzAMBP-icw-yJFtyPlMseUUKoQWnPZX.ZvY2sQ.ABCDEFGHIJKLMNOPQRSTUVWXYZ1",
    "itsdangerous": "ImFkYUBleGFtcGxlLmNvbSI.ZvY2sQ.1bcdEfghiJklmnoPqrstuVwxyz1",
    "PEM": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----",
    "card": "4111 1111 1111 1111",
    "card with dashes": "5500-0000-0000-0004",
    "card without": "378282246310005",
    "IBAN": "DE89 3704 0044 0532 0130 00",
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "AWS secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "Google": "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "GitHub": "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "GitLab": "glpat-ABCdef0123456789abcd",
    "Slack": "xoxb-123456789012-abcdefGHIJ",
    "Slack webhook": "https://hooks.slack.com/services/T0000/B0000/abcdefghijklmnop",
    "Stripe": "sk_live_0123456789abcdef",
    "OpenAI": "sk-proj-0123456789abcdefABCDEF",
    "npm": "npm_0123456789abcdefghijABCDEFGHIJ012345",
    "bearer": "Bearer abc123def456",
    "basic": "Basic YWRhOmh1bnRlcjI=",
    "hash of a password": "$2b$12$abcdefghijklmnopqrstuv",
    "random, base64": "Zm3kQ9xT2vB7nL5pR8wY4jH6cF1dS0gA",
    "random, hexadecimal": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "random, base32": "K7VX2M4QZP6TJ3HN5RWB7DYL4ACE2GSF",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
def test_secret_value_is_redacted_whatever_its_name(value: str) -> None:
    """In JSON, in the query, in a header, in the middle of a text."""
    words = [word for word in value.split() if len(word) > 6]
    for request in (
        sent(_json({"note": value}), "json"),
        Request("GET", f"/a?q={quote(value, safe='')}".encode()),
        Request("GET", b"/", (("x-note", value),)),
        sent(_json([{"deep": [value]}]), "json"),
    ):
        text = repr(Redaction().request(request))
        assert not [word for word in words if word in text], text


def test_card_of_a_json_number_is_redacted() -> None:
    """It stays a number; one that fails Luhn's check is none."""
    body = _json({"a": 4242424242424242, "b": 4242424242424241, "c": 1700000000000})
    clean = Redaction().request(sent(body, "json")).body
    assert json.loads(clean) == {"a": 0, "b": 4242424242424241, "c": 1700000000000}


def test_redacted_url_keeps_its_spelling() -> None:
    """What was sent without being encoded is not encoded in the case."""
    request = Request("GET", f"/a?next=/b%3Fc%3D:1%26pw%3D{SECRET}&d=[1]".encode())
    assert Redaction().request(request).target == b"/a?next=/b%3Fc%3D:1%26pw%3DREDACTED&d=[1]"


@pytest.mark.parametrize(
    ("sent_value", "kept"),
    [
        ("Bearer  given", ("Bearer  {{t}}",)),
        ('Token token="given"', ('Token token="{{t}}"',)),
        (f'Token token="given", key="{SECRET}"', ()),
        (f'Token token="given", key={SECRET}', ()),
        (f"Bearer {SECRET}", ()),
    ],
)
def test_credentials_of_an_answer_are_references(sent_value: str, kept: tuple[str, ...]) -> None:
    """With their scheme as it was sent; what no answer gave goes with its header."""
    redaction = Redaction(refer=lambda value, *_: "{{t}}" if value == "given" else None)
    request = Request("GET", b"/", (("authorization", sent_value),))
    assert redaction.request(request).values("authorization") == kept


EVERYDAY: list[Any] = [
    {"name": "Ada", "address": {"zip_code": "90210", "state": "CA", "phone": "+1 (555) 010-9999"}},
    {
        "title": "How to pass: tips",
        "body": "Sleep = good. See https://a.b/c?page=2#top",
        "tags": [],
    },
    {"id": "550e8400-e29b-41d4-a716-446655440000", "order_id": "cus_9s6XKzkNRiz8i3", "ean": 40063},
    {"query": "query U($n: Int!) { users(first: $n) { token: name } }", "variables": {"n": 10}},
    {"max_tokens": 256, "messages": [{"role": "user", "content": "Say hello: please"}]},
    {"bbox": [13.0883332, 52.3382448], "at": "2026-01-31T12:00:00.000Z", "created": 1769860800000},
    {"avatar": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42m"},
    {"commit": "9fceb02d0ae598e95dc970b74767f19372d61af8", "message": "fix: don't pin the version"},
    {"html": "<p>Hello <b>world</b>, your order #1234 is ready.</p>", "cursor": "eyJpZCI6MTB9"},
    {"type": "session", "title": "Keynote", "text": "Welcome all", "data": {"pins": [1, 2]}},
    {"code": "SUMMER-26", "number": "42", "state": "open", "key": "color", "value": "blue"},
    {"package": "com.example.shop.checkout.CheckoutActivity", "file": "IMG_20260131_123456.jpg"},
]


@pytest.mark.parametrize("document", EVERYDAY, ids=str)
def test_everyday_body_is_unchanged(document: Any) -> None:
    """No byte of it."""
    request = sent(_json(document), "json")
    assert Redaction().request(request) == request


@pytest.mark.parametrize(
    "target",
    [
        "/users/1?page=2&sort=name&q=how+to+pass%3F",
        "/a?redirect=%2Fusers%2F1%3Ftab%3Dorders&utm_source=news",
        "/addr?code=90210&state=CA",
        "/auth/callback/github",
        "/static/js/main.3f9ac2d1.js",
        "/o/550e8400-e29b-41d4-a716-446655440000/edit",
        "/map/52.52,13.40,12z",
        "/x?ids[]=1&ids[]=2&filter[name]=ada&empty&=",
    ],
)
def test_everyday_url_is_unchanged(target: str) -> None:
    """No byte of it."""
    assert Redaction().request(Request("GET", target.encode())).target == target.encode()
