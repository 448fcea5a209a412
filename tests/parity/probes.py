r"""What is asked, one target a line; each line is asked with every method of its table.

`\\xNN` is a raw byte. What follows a bar is a header; `Host` replaces the usual one.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST = ("GET", "HEAD", "POST", "PUT", "OPTIONS", "PROPFIND")
FEW = ("GET", "HEAD", "POST", "OPTIONS")

RULES = r"""
/
/?
/hello
/hello?x=1&y=%20
/hello/
/hello/?q=1
//hello
///hello
/hello//
/Hello
/hello%0A
/hello%00
/hello%20
/%68ello
/hello%2F
/hello%3Fx
/hello;x=1
/./hello
/../hello
/hello/.
/hello/..
/none
/none/
/none/deeper/?q=1
/items
/items/
/items?x=%FF
/items/5
/items/5/
/items/05
/items/-5
/items/+5
/items/5.0
/items/1_000
/items/5%0A
/items/%0A5
/items/5%20
/items/%D9%A3
/items/%EF%BC%95
/items/0
/items/99999999999999999999999999
/items/new
/items/new/
/items/NEW
/items/a%2Fb
/items/a/b
/items/caf%C3%A9
/items/caf%E9
/items/caf\xe9
/items/%FF%FE
/items/a%3Fb
/items/a%23b
/items/a%25b
/items/a+b
/items/a;b
/items/a,b
/items/a=b&c
/items/a:b@c
/items/~a
/items/{x}
/items/<x>
/items/|
/items/%00
/items/..
/items/.
/items/5/parts/0f8fad5b-d9cb-469f-a165-70867728950e
/items/5/parts/0F8FAD5B-D9CB-469F-A165-70867728950E
/items/5/parts/0f8fad5bd9cb469fa16570867728950e
/items/x/parts/0f8fad5b-d9cb-469f-a165-70867728950e
/dir
/dir?x=1&y=%20%C3%A9
/dir/
/dir//
//dir
//dir/
/dir/x
/dir%2F
/slashed/x
/slashed/x?y=1
/slashed/x/
/slashed/caf%C3%A9
/slashed/a%20b?c=%20d
/slashed/x%0A
/slashed//x/
/slashed/%2F/
/pair
/pair/
/pair//
/loose
/loose/
/loose//
/looser
/looser/
/merge/a/b
/merge//a/b
/merge//a///b?q=1
//merge/a/b
/merge/a//b/
/keep//double
/keep/double
/keep///double
/pages/
/pages
/pages/1
/pages/1?x=2
/pages/2
/pages/01
/pages/0
/old
/old?x=1
/old/7
/old/7?x=1
/old/x
/old/
/older/z
/older/caf%C3%A9
/canonical
/alias
/alias?x=1
/float/1.5
/float/5
/float/-1.5
/float/1e5
/float/nan
/float/1.
/float/.5
/float/1.50
/float/-1.5/signed
/float/1.5/signed
/uuid/0f8fad5b-d9cb-469f-a165-70867728950e
/uuid/{0f8fad5b-d9cb-469f-a165-70867728950e}
/uuid/0f8fad5bd9cb469fa16570867728950e
/uuid/x
/any/a
/any/c%20d
/any/c+d
/any/d
/any/A
/len/ab
/len/a
/len/abc
/len/%C3%A9%C3%A9
/range/a
/range/abc
/range/abcd
/fixed/007
/fixed/7
/fixed/0007
/bounded/1
/bounded/2
/bounded/5
/bounded/6
/signed/-7
/signed/7
/signed/+7
/signed/--7
/path/a
/path/a/b/c
/path/
/path
/path//a
/path/a//b
/path/a/
/path/a/edit
/path/a/b/edit
/path/edit
/path/a/tail/5
/path/a/tail/x
/path/%2F
/path/..%2F..%2Fetc
/path/a%0Ab
/even/4
/even/3
/even/x
/even/4/
/list/a,b
/list/a
/list/a%2Cb
/files/a.txt
/files/a.tar.gz
/files/a
/files/.gitignore
/v1.2
/v1
/v1.x
/caf%C3%A9
/caf\xc3\xa9
/caf%E9
/caf%C3%A9/
/unicode/x/%E2%98%83
/unicode/%E2%98%83/%E2%98%83
/unicode/x/%E2%98
/x/edit
/items/edit
/one/y
/two/edit
/three/y
/only-head
/own-options
/no-options
/every-method
/every-method/
/trace
/built
/dots/../up
/dots/%2E%2E/up
/up
/percent/%41
/percent/A
/percent/%2541
/plus/a+b
/plus/a%2Bb
/plus/a%20b
/semi/a;b=1
/semi/a%3Bb=1
/static/x
http://example.test/hello
http://example.test/dir
http://example.test
"""

HOSTS = r"""
/a | Host: one.example
/a | Host: ONE.example
/a | Host: one.example:80
/a | Host: one.example:8000
/a | Host: two.example
/a | Host: x.three.example
/a/ | Host: x.three.example
/a/5 | Host: x.three.example
/a/x | Host: x.three.example
/a/5 | Host: .three.example
/a/5 | Host: x.y.three.example
/a/5 | Host: one.example
/a | Host: four.example
/port | Host: one.example:8080
/port | Host: one.example
/anywhere | Host: one.example
/a | Host:
/a | Host: one.example.
/a | Host: x@one.example
/a | Host: one.example/a
"""

SUBDOMAINS = r"""
/a | Host: example.test
/a | Host: example.test:80
/a | Host: example.test:8080
/a | Host: api.example.test
/a | Host: API.example.test
/a | Host: www.example.test
/a | Host: a.b.example.test
/a/5/ | Host: acme.example.test
/a/5 | Host: acme.example.test
/a/x/ | Host: acme.example.test
/a | Host: other.test
/a | Host: xexample.test
/a | Host: 127.0.0.1
"""

TRUSTED = r"""
/a | Host: example.test
/a | Host: example.test:8080
/a | Host: EXAMPLE.test
/a | Host: x.trusted.example
/a | Host: trusted.example
/a | Host: evil.example
/dir | Host: evil.example
/none | Host: evil.example
/a | Host: example.test.evil.example
/a | Host: example.test@evil.example
/a | Host: evil.example | X-Forwarded-Host: example.test
/dir | Host: example.test
/a | Host:
"""

HANDLERS = r"""
/none
/a/5
/a/x
/a/5/
/dir
/abort/400
/abort/401
/abort/403
/abort/404
/abort/405
/abort/409
/abort/410
/abort/418
/abort/429
/abort/500
/abort/503
/abort/204
/abort/999
/raise/key
/raise/value
/raise/lost
/raise/other
/posted
/guarded/1
/guarded/x
/guarded
/answered-before
/broken/fine
/broken/broken
"""

PROXIED = r"""
/inner/a | Host: public.example
/inner/a | Host: private.example
/inner/a | Host: private.example | X-Forwarded-Host: public.example
/inner/a | Host: private.example | X-Forwarded-Host: public.example, evil.example
/inner/a | Host: private.example | X-Forwarded-Host: evil.example, public.example
/inner/dir | Host: public.example
/inner/dir?x=1 | Host: p | X-Forwarded-Host: public.example | X-Forwarded-Proto: https
/inner/dir | Host: p | X-Forwarded-Host: public.example | X-Forwarded-Prefix: /app
/inner | Host: public.example
/inner/ | Host: public.example
/innera | Host: public.example
/inner//a | Host: public.example
/inner/none | Host: public.example
/a | Host: public.example
/hello | Host: public.example
/dir | Host: p | X-Forwarded-Prefix: /app
/dir | Host: p | X-Forwarded-Proto: https
"""

EXAMPLE = r"""
/
/hello
/hello?name=Ada
/hello?name=%C3%A9&name=b
/hello?name=%FF
/hello/
/users
/users/
/users/1
/users/0
/users/999
/users/abc
/users/-1
/users/+1
/users/1.0
/users/1%0A
/users/1/
/users/%D9%A1
//users/1
/users//1
/teams
/players/1
/players/1/page
/players/999/page
/players/x/page
/players/1/page/
/todos
/todos/
/todos/1
/todos/x
/login
/me
/me/
/logout
/downloads/fixtures.txt
/downloads/../config.py
/downloads/..%2Fconfig.py
/downloads/none.txt
/export/users.csv
/static/club.css
/static/
/static/none.css
/none
/none | Accept: text/html
/none | Accept: application/json
/shop/kits/home
/shop/kits/home/sizes
/shop/kits/fourth/sizes
/shop/seats/5
/shop/seats/-5
/shop/under/9.5
/shop/under/9
/docs-not-there
/_crossfade
"""


@dataclass(frozen=True)
class Probe:
    """One target, asked with several methods.

    Attributes:
        app: which of the applications is asked.
        target: what stands in the request line.
        headers: all of them, `Host` first.
        methods: each is asked.
    """

    app: str
    target: str
    headers: tuple[str, ...]
    methods: tuple[str, ...]

    def request(self, method: str) -> bytes:
        """Return the bytes to send."""
        length = ["Content-Length: 0"] if method in ("POST", "PUT") else []
        lines = [f"{method} {self.target} HTTP/1.1", *self.headers, f"X-App: {self.app}", *length]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def table(app: str, text: str, methods: tuple[str, ...]) -> list[Probe]:
    """Return the probes of a table."""
    probes = []
    for line in text.strip().splitlines():
        target, *headers = line.encode("latin-1").decode("unicode_escape").split(" | ")
        if not any(header.startswith("Host:") for header in headers):
            headers.insert(0, "Host: example.test")
        probes.append(Probe(app, target, tuple(headers), methods))
    return probes


PROBES = [
    *table("rules", RULES, MOST),
    *table("relaxed", RULES, ("GET", "POST")),
    *table("hosts", HOSTS, FEW),
    *table("subdomains", SUBDOMAINS, FEW),
    *table("trusted", TRUSTED, FEW),
    *table("handlers", HANDLERS, MOST),
    *table("proxied", PROXIED, FEW),
    *table("example", EXAMPLE, ("GET", "HEAD", "OPTIONS", "PATCH", "PROPFIND")),
]
