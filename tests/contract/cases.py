"""Requests for every native route of the example: what it is for, and what clients get wrong."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

JSON = "application/json"


class Case(NamedTuple):
    """One request."""

    target: str
    body: bytes | None = None
    content_type: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What `contract.request` is given beside method and target."""
        given: dict[str, Any] = {} if self.body is None else {"content": self.body}
        if self.content_type is not None:
            given["headers"] = {"content-type": self.content_type}
        return given

    def __str__(self) -> str:
        body = "" if self.body is None else f" {self.body[:40]!r}"
        kind = "" if self.content_type in (None, JSON) else f" {self.content_type}"
        return f"{self.target[:60]}{kind}{body}"


def sent(target: str, *values: object) -> list[Case]:
    """Each value as a JSON body."""
    return [Case(target, json.dumps(value).encode(), JSON) for value in values]


def no_object(target: str) -> list[Case]:
    """Bodies that are no JSON object, or are not declared as one, or in an odd encoding."""
    sound = b'{"name": "A", "email": "a@b", "title": "T"}'
    kinds = [
        "",
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/json; charset=latin-1",
    ]
    kinds += ["Application/JSON", "application/vnd.club+json", "application/x-www-form-urlencoded"]
    texts = [b"", b"{", b'{"name": "A",}', b"{'name': 1}", b'{"name": "\xff"}', b"\xef\xbb\xbf{}"]
    texts += [b"null", b"[]", b"[1]", b"0", b"1", b"NaN", b"false", b'""', b'"name"', b"{}"]
    texts += ['{"name": "Zoë", "email": "z@b", "title": "Zoë"}'.encode(code) for code in ENCODINGS]
    texts += [b'{"name": "A", "name": "B", "email": "a@b", "title": "T"}', b"[" * 1900, b"9" * 1900]
    texts += [b'{"name": "%s"}' % (b"x" * 3000)]
    return [
        Case(target),
        Case(target, sound),
        *(Case(target, sound, kind) for kind in kinds),
        *(Case(target, text, JSON) for text in texts),
    ]


ENCODINGS = ("utf-8", "utf-16", "utf-32-be", "latin-1")
HUGE = "9" * 400
AGES: list[object] = [-1, 2**63 - 1, 2**63, 7.0, "7", True, [], {}, 1e400]
EMAILS: list[object] = [None, "nowhere", ["@"], 1, "", "\ud800@"]
NAMES: list[object] = [None, 1, True, "", " \t", {"a": 1}, "\ud800"]
DATES: list[object] = ["2026-02-30", "20260531", "0001-01-01", "2026-05-31T10:00:00", 1, "", None]
FORM = "application/x-www-form-urlencoded"
TARGETS = ("/todos%3Fdone=1", "//evil.example", "https://evil.example", "/%5Cevil", "/a%0Ab", "x")
UUID = "6fa459ea-ee8a-3ca4-894e-db77e160355e"

VENUE: dict[str, Any] = {
    "name": "Park",
    "capacity": 50,
    "email": "park@example.com",
    "address": {"street": "Park 1", "city": "Bath"},
}
VENUE_VALUES: dict[str, list[object]] = {
    "name": ["", " 12 ", " pad ", "x" * 81, 1],
    "surface": ["clay", "mud", 1],
    "capacity": ["7", 1.9, True, 0, 200_001, 1e400],
    "fee": ["1.005", -1, "NaN", 100_000, True, "x"],
    "covered": ["yes", "off", 2, []],
    "opened": ["2026-01-31", "20260131", "2026-01-31T10:00:00", "2026-02-30", 5],
    "inspectedAt": ["2026-01-31T10:00:00.5+02:00", "2026-01-31T10:00:00Z", "2026-01-31", 5],
    "email": ["nowhere", "", 1, "a@localhost", "ä@example.com"],
    "website": ["https://example.com/a?b", "example.com", "javascript:x", 1],
    "tags": [["a", "a"], ["x" * 21, 1], {"a": 1}, "a"],
    "hours": [{"mon": "8-22"}, {"someday": 1, "mon": None}, [], "a"],
    "address": [{}, [], {"street": "", "city": 1, "postCode": 5, "x": 1}],
    "unknown": [1],
}
QUOTE = {"venue_id": 1, "starts": "2026-05-01T10:00:00Z"}

CASES: dict[str, list[Case]] = {
    "GET /hello": [
        Case("/hello"),
        Case("/hello?name=Zo%C3%AB+%26+co&name=second"),
        Case("/hello?name="),
        Case("/hello?name"),
        Case("/hello?name=%ff%41%e2%82"),
        Case("/hello?a=1;name=b&name=c%0A"),
        Case("/hello?Name=x&%6Eame=y"),
    ],
    "GET /users": [
        Case("/users"),
        Case("//users"),
        Case("/users?limit=2&offset=1"),
        Case("/users?limit=2&limit=1"),
        *(Case(f"/users?limit={text}") for text in ("0", "-3", "", "x", "1.0", "+1_0+", "%D9%A3")),
        Case("/users?limit=1000&offset=-1"),
        Case("/users?offset=99999999999999999999"),
        Case(f"/users?limit={HUGE}"),
    ],
    "POST /users": [
        *sent(
            "/users",
            {"name": "Bo", "email": "bo@example.com"},
            {"name": "Bo", "email": "bo@example.com", "age": 7, "id": 1, "admin": True},
            {"name": "Zoë 🐧 \u2028 </script>", "email": "@", "age": None},
            {"name": "Bo", "email": "ada@example.com"},
            *({"name": "Bo", "email": "a@b", "age": age} for age in AGES),
            *({"name": "Bo", "email": email} for email in EMAILS),
            *({"name": name, "email": "a@b"} for name in NAMES),
            {"name": "Bo"},
            {"email": "a@b"},
            {"name": 1, "email": 1, "age": "x"},
        ),
        *no_object("/users"),
    ],
    "GET /users/<int:user_id>": [
        *(Case(f"/users/{text}") for text in ("1", "3", "0", "99", "007", "99999999999999999999")),
        Case("/users/1?user_id=2"),
        Case("/users/%D9%A1"),
    ],
    "GET /teams": [Case("/teams"), Case("/teams?limit=1")],
    "POST /teams": [
        *sent(
            "/teams",
            {"name": "New"},
            {"name": "New", "city": "Köln", "founded": 1900},
            {"name": "New", "city": "", "founded": 0},
            {"name": "Rovers"},
            {"name": "rovers"},
            {"name": 5},
            *({"name": "New", "city": city} for city in (5, ["x"], None)),
            *({"name": "New", "founded": year} for year in ("1900", False, 1900.5, 1900.0, None)),
            {"city": "Rome"},
        ),
        *no_object("/teams"),
    ],
    "GET /players/<int:player_id>": [Case(f"/players/{n}") for n in (1, 2, 3, 4, 10**20)],
    "GET /players/<int:player_id>/page": [Case(f"/players/{n}/page") for n in (1, 2, 3, 4, 10**20)],
    "GET /todos": [
        Case("/todos"),
        *(Case(f"/todos?done={text}") for text in ("true", "1&done=0", "", "maybe", "TRUE", "yes")),
    ],
    "POST /todos": [
        *sent(
            "/todos",
            {"title": "Paint"},
            {"title": "Paint", "done": True, "due": "2026-05-31"},
            *({"title": "Paint", "done": done} for done in (None, 1, "true", False)),
            *({"title": "Paint", "due": due} for due in DATES),
            {"title": None, "done": 1, "due": 1},
            {"done": True},
        ),
        *no_object("/todos"),
    ],
    "PUT /todos/<int:todo_id>": [
        *sent(
            "/todos/2",
            {"title": "Paint", "done": True, "due": "2026-05-31"},
            {"done": True},
            {"due": None},
            {"title": None},
            {"title": ""},
            {"due": "2026-02-30"},
            {"done": "x", "due": "x"},
            {"other": 1},
        ),
        *sent("/todos/9", {"done": True}),
        Case("/todos/9", b"no JSON"),
        *no_object("/todos/2"),
    ],
    "DELETE /todos/<int:todo_id>": [
        Case("/todos/2"),
        Case("/todos/9"),
        Case("/todos/99999999999999999999"),
        Case("/todos/2", b'{"ignored": true}', JSON),
    ],
    "GET /matches": [
        Case("/matches"),
        Case("/matches?per_page=2&page=2"),
        *(Case(f"/matches?page={text}") for text in ("0", "-1", "", "x", "3", "%D9%A1", HUGE)),
        *(Case(f"/matches?per_page={text}") for text in ("0", "-1", "1000", "1_0", "1.0")),
    ],
    "POST /matches": [
        *sent(
            "/matches",
            {"home": "São Jorge", "away": "Rovers", "played": "2026-05-31"},
            {"home": "Rovers", "away": "São Jorge", "played": "2026-02-28"},
            {"home": "Rovers", "away": "Rovers", "played": "2026-05-31"},
            {"home": "Rovers", "away": "Nobody", "played": "2026-05-31"},
            {"home": "Rovers", "away": "", "played": "2026-05-31"},
            *({"home": "Rovers", "away": "São Jorge", "played": played} for played in DATES),
            {"away": "Rovers"},
        ),
        *no_object("/matches"),
    ],
    "GET /matches/<int:match_id>": [Case(f"/matches/{n}") for n in (1, 3, 9, "007", 10**20)],
    # Without a token: CSRFProtect refuses. With one: tests/extensions/test_forms.py.
    "GET /guestbook": [Case("/guestbook"), Case("/guestbook?author=x")],
    "POST /guestbook": [
        Case("/guestbook"),
        Case("/guestbook", b"author=Bo&message=Hi", "application/x-www-form-urlencoded"),
        Case("/guestbook", b"csrf_token=x&author=Bo", "application/x-www-form-urlencoded"),
    ],
    "POST /guestbook/entries": [
        *sent("/guestbook/entries", {"author": "Bo", "message": "Hi"}, []),
        Case("/guestbook/entries"),
    ],
    "GET /fan-api/search": [
        Case("/fan-api/search"),
        Case("/fan-api/search?q="),
        *(Case(f"/fan-api/search?q={text}") for text in ("mia", "O%27B", "%ff", "x&q=mia")),
    ],
    "POST /fan-api/transfers": [  # by nobody: the test of every route logs in
        *sent("/fan-api/transfers", {"player_id": 1, "team_id": 2}),
        Case("/fan-api/transfers"),
    ],
    "DELETE /fan-api/players/<int:player_id>/team": [Case("/fan-api/players/1/team")],
    "GET /fan-api/standings": [
        *(Case(f"/fan-api/standings{query}") for query in ("", "?order=squad", "?order=founded")),
        *(Case(f"/fan-api/standings?order={text}") for text in ("", "x", "squad&order=name")),
    ],
    "GET /dashboard": [Case("/dashboard"), Case("/dashboard?x=1")],
    "GET /shop/kits/<slug>": [
        *(Case(f"/shop/kits/{text}") for text in ("home", "%C3%AB%20%22%3C%5C", "%ff", "%0Ab")),
    ],
    "GET /shop/kits/<any(home, away, third):kind>/sizes": [
        *(Case(f"/shop/kits/{kind}/sizes") for kind in ("home", "away", "third")),
    ],
    "GET /shop/seats/<int:seat>": [*(Case(f"/shop/seats/{n}") for n in ("0", "20", "007", HUGE))],
    "GET /shop/under/<float:price>": [
        *(Case(f"/shop/under/{price}") for price in ("9.99", "0.0000001", f"1{'0' * 23}.0")),
        Case(f"/shop/under/{HUGE}.0"),
    ],
    "GET /shop/guides/<path:page>": [
        *(Case(f"/shop/guides/{page}") for page in ("a", "a/b/c.html", "a%2Fb", "%C3%A9", "a/./b")),
    ],
    "GET /shop/tickets/<uuid:ticket_id>": [
        Case(f"/shop/tickets/{UUID}"),
        Case(f"/shop/tickets/{UUID.upper()}"),
    ],
    "GET /shop/compare/<ids:player_ids>": [
        Case("/shop/compare/3"),
        Case("/shop/compare/1,02,99999999999999999999"),
    ],
    "GET /shop/news/": [Case("/shop/news/"), Case("/shop/news/?a=b")],
    "GET /shop/contact": [Case("/shop/contact")],
    "GET /shop/faq": [Case("/shop/faq")],
    "GET /shop/catalogue/": [Case("/shop/catalogue/")],
    "GET /shop/catalogue/page/<int:page>": [Case(f"/shop/catalogue/page/{n}") for n in (0, 2, 7)],
    "GET /login": [Case("/login"), Case("/login?next=/a%22b&next=c"), Case("/login?next=")],
    "POST /login": [
        *sent(
            "/login",
            {"email": "ada@example.com", "password": "engine-no-1"},
            {"email": "ada@example.com", "password": "engine-no-1", "remember": "no"},
            {"email": "ada@example.com", "password": "engine"},
            {"email": "linus@example.com", "password": ""},
            {"email": None, "password": ["engine-no-1"]},
            [],
            "ada@example.com",
        ),
        *(
            Case(f"/login{query}", body.encode(), FORM)
            for body in ("email=ada%40example.com&password=engine-no-1&remember=on", "email=<&a=b")
            for query in ("", *(f"?next={target}" for target in TARGETS))
        ),
        Case("/login"),
        Case("/login", b"{", JSON),
    ],
    "POST /logout": [Case("/logout"), Case("/logout", b"{}", JSON)],
    "GET /me": [Case("/me")],
    "GET /members/dues": [Case("/members/dues"), Case("/members/dues?a=%2F&b")],
    "GET /members/locker": [
        *(Case(f"/members/locker{query}") for query in ("", "?a=%2F&b=%C3%A9+%26", "?%ff", "?")),
    ],
    "GET /members/card": [Case("/members/card")],
    "POST /fan-api/token": [
        *(
            Case("/fan-api/token", body, FORM)
            for body in (
                b"username=ada%40example.com&password=engine-no-1",
                b"username=ada%40example.com&password=engine&grant_type=password",
                b"password=engine-no-1",
                b"",
            )
        ),
        Case("/fan-api/token", b'{"username": "ada@example.com"}', JSON),
    ],
    "POST /fan-api/refresh": [Case("/fan-api/refresh")],
    "DELETE /fan-api/token": [Case("/fan-api/token")],
    "GET /fan-api/profile": [Case("/fan-api/profile")],
    "GET /fan-api/contact": [Case("/fan-api/contact")],
    "GET /venues": [
        Case("/venues"),
        Case("/venues?surface=grass&tag=stand&tag=floodlight&min_capacity=1000&covered=no"),
        Case("/venues?surface=mud&min_capacity=x&covered=maybe"),
        Case("/venues?min_capacity=&other=1"),
    ],
    "POST /venues": [
        *sent("/venues", VENUE, {**VENUE, "id": 1}, {**VENUE, "name": "Halle Süd"}, {}),
        *(
            Case("/venues", json.dumps({**VENUE, name: value}).encode(), JSON)
            for name, values in VENUE_VALUES.items()
            for value in (*values, None)
        ),
        *no_object("/venues"),
    ],
    "PATCH /venues/<int:venue_id>": [
        *sent("/venues/2", {}, {"fee": "9.995"}, {"address": {"city": "Bonn", "x": 1}}, {"id": 1}),
        *sent("/venues/2", {"address": {"city": ""}}, {"name": "Main ground"}, {"capacity": "a"}),
        *sent("/venues/9", {"name": 1}),
        *no_object("/venues/2"),
    ],
    "GET /venues/search": [
        Case("/venues/search"),
        Case("/venues/search?name=HAL&tag=a&tag=b&limit=1&limit=x"),
        Case("/venues/search?limit=101&min_capacity=-1"),
    ],
    "POST /venues/search": [
        Case("/venues/search", b"name=ground", FORM),
        Case("/venues/search?limit=0", b"name=g&min_capacity=x", FORM),
        Case("/venues/search", b'{"name": "ground"}', JSON),
    ],
    "POST /venues/quotes": [
        *sent("/venues/quotes", QUOTE, {**QUOTE, "venue_id": 9}, {}, {**QUOTE, "x": 1}),
        *sent("/venues/quotes", {**QUOTE, "promotion": "SPRING", "hours": "3"}),
        *sent("/venues/quotes", {**QUOTE, "promotion": "AUTUMN", "hours": 25, "starts": "x"}),
        *no_object("/venues/quotes"),
    ],
    "GET /restx/referees": [
        Case("/restx/referees"),
        Case("/restx/referees?country=DK&country=IT&certified=false&limit=1"),
        Case("/restx/referees?limit=0"),
        Case("/restx/referees?certified=maybe"),
    ],
    "POST /restx/referees": [
        *sent("/restx/referees", {"name": "Ö", "country": "NO", "level": 3}, {}, {"level": "x"}),
        *sent("/restx/referees", {"name": "Bo Øst", "country": "DK"}),
        *no_object("/restx/referees"),
    ],
    "GET /restx/referees/<int:id>": [Case(f"/restx/referees/{n}") for n in (1, 2, 9, 10**20)],
    "GET /basket": [Case("/basket")],
    "GET /basket/size": [Case("/basket/size")],
    "POST /basket": [
        *sent("/basket", {"kit": "shirt"}, {"kit": "socks", "count": 99, "keep": True}),
        *sent("/basket", *({"kit": "shirt", "count": n} for n in (0, 100, "1", True, 1.0, None))),
        *sent("/basket", {"kit": "hat"}, {"kit": None}, {"kit": "shirt", "keep": 1}),
        *no_object("/basket"),
    ],
    "DELETE /basket": [Case("/basket"), Case("/basket", b"{", JSON)],
    **{
        f"POST /{of}/{what}": [
            *sent(f"/{path}", {"email": "mum@example.com"}, {"email": "a@b", "note": "Zoë\n"}),
            *sent(f"/{path}", {"email": "a"}, {"email": "a@b", "note": 1}, {"note": "x" * 501}),
            *sent(f"/{path.replace('1', '99')}", {"email": "mum@example.com"}),
            *no_object(f"/{path}"),
        ]
        for of, what, path in (
            ("players/<int:player_id>", "invite", "players/1/invite"),
            ("players/<int:player_id>", "remind", "players/1/remind"),
            ("teams/<int:team_id>", "invite", "teams/1/invite"),
        )
    },
    "GET /fees/<int:level>": [Case(f"/fees/{level}") for level in (1, 5, 0, 6)],
    "POST /fees": [
        *sent("/fees", {"level": 2, "matches": 3}, {"level": 2}, {"level": 9, "matches": "x"}),
        *no_object("/fees"),
    ],
}  # fmt: skip

URL_MAP = [
    ("GET", "/users/abc"),
    ("GET", "/users/-1"),
    ("GET", "/users/1_0"),
    ("GET", "/users/1%0A"),
    ("GET", "/users/1/"),
    ("GET", "/users/"),
    ("GET", "/nowhere"),
    ("PATCH", "/users/1"),
    ("PUT", "/todos"),
    ("OPTIONS", "/users"),
    ("OPTIONS", "/users/1"),
    ("GET", "/shop/news"),
    ("POST", "/shop/news"),
    ("GET", "/shop/contact/"),
    ("GET", "/shop/under/5"),
    ("GET", "/shop/under/nan"),
    ("GET", f"/shop/tickets/{UUID.replace('-', '')}"),
    ("GET", "/shop/kits/fourth/sizes"),
    ("GET", "/shop/compare/1,,2"),
    ("GET", "/shop/catalogue/page/1"),
    ("GET", "/players//page"),
]
"""What Flask's URL map answers on both sides, whoever serves the routes beside it."""
