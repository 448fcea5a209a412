"""`crossfade record`: HAR files, the switch, and what is there."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crossfade.contract.cases.http_file import Case, parse_cases, read_cases
from crossfade.migration_map.parse import parse_map
from tests.cli.test_cli import GATEWAY, GOOD_MAP, crossfade

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

MORE = """
@legacy.post("/login")
def login(): return ""

@legacy.post("/upload")
def upload(): return ""

@legacy.route("/static/<path:filename>", endpoint="static")
def static(filename): return ""

app = FastAPI"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project."""
    code = GATEWAY.replace("\napp = FastAPI", MORE, 1)
    (tmp_path / "gateway.py").write_text(code, encoding="utf-8")
    (tmp_path / "migration_map.toml").write_text(GOOD_MAP, encoding="utf-8")
    return tmp_path


def entry(method: str, url: str, status: int = 200, **asked: Any) -> dict[str, Any]:
    """Return an entry as browsers write it."""
    headers = asked.pop("headers", {})
    listed = [{"name": name, "value": value} for name, value in headers.items()]
    listed.append({"name": ":authority", "value": "shop.example"})
    return {
        "request": {"method": method, "url": url, "headers": listed, **asked},
        "response": {"status": status},
    }


def har(project: Path, *entries: dict[str, Any]) -> str:
    """Write a HAR file; return its name."""
    document = {"log": {"version": "1.2", "entries": list(entries)}}
    (project / "shop.har").write_text(json.dumps(document), encoding="utf-8")
    return "shop.har"


def cases(project: Path) -> dict[str, Case]:
    """What was kept, by its route."""
    files = (project / "contracts/recorded").rglob("*.http")
    return {case.route: case for file in files for case in read_cases(file)}


SHOP = "https://shop.example"
FORM = "application/x-www-form-urlencoded"


def test_a_har_file_becomes_cases(project: Path) -> None:
    """Those of one host that the application has a route for; secrets are left out."""
    file = har(
        project,
        entry("GET", f"{SHOP}/users/1?token=SECRET&a=%2F", headers={"Cookie": "session=SECRET"}),
        entry("GET", f"{SHOP}/users/2?token=SECRET&a=1", headers={"Cookie": "session=SECRET"}),
        entry(
            "POST",
            f"{SHOP}/login",
            302,
            headers={"Content-Type": FORM, "User-Agent": "browser"},
            postData={"mimeType": FORM, "text": "name=ada&password=SECRET"},
        ),
        entry("GET", f"{SHOP}/static/app.css"),
        entry("GET", f"{SHOP}/nowhere"),
        entry("GET", "https://ads.example/users/1"),
    )
    result = crossfade(project, "record", "--har", file, "--host", "shop.example")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[2] == "2 of 5 exchanges with shop.example kept in contracts/recorded"
    assert sorted(lines[3:]) == [
        "  1 not: a static file",
        "  1 not: no route of the application",
        "  1 not: seen before",
    ]
    kept = cases(project)
    user, login = kept["GET /users/<int:user_id>"], kept["POST /login"]
    assert user.request.target == b"/users/1?token=REDACTED&a=%2F"
    assert user.request.headers == ()
    assert (user.login, user.origin) == ("member", "har:shop.har")
    assert login.name == "POST /login → 302"
    assert login.request.headers == (("content-type", FORM),)
    assert login.request.body == b"name=ada&password=REDACTED"
    assert "SECRET" not in "".join(p.read_text() for p in project.rglob("*.http"))


def test_bodies_as_tools_write_them(project: Path) -> None:
    """In base64, as a list of a form's fields, or not at all."""
    png = base64.b64encode(b"\x89PNG\xff").decode()
    file = har(
        project,
        entry(
            "POST",
            f"{SHOP}/users",
            postData={"mimeType": "image/png", "text": png, "encoding": "base64"},
        ),
        entry(
            "POST",
            f"{SHOP}/login",
            headers={"content-type": FORM},
            postData={"mimeType": FORM, "params": [{"name": "a b", "value": "ü&"}]},
        ),
        entry(
            "POST",
            f"{SHOP}/upload",
            postData={"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "a"}]},
        ),
    )
    result = crossfade(project, "record", "--har", file)
    assert "1 not: the file lacks its body" in result.stdout
    kept = cases(project)
    assert kept["POST /users"].request.body == b"\x89PNG\xff"
    assert kept["POST /login"].request.body == b"a+b=%C3%BC%26"
    assert "POST /upload" not in kept


def test_odd_entries_cost_themselves_only(project: Path) -> None:
    """They are counted, each with its reason; what is good is kept, in files for the owner only."""
    file = har(
        project,
        {},
        entry("GET", "wss://shop.example/users", 101),
        entry("GET", f"{SHOP}/users?q=\u001b[31m"),
        entry("GET", f"{SHOP}/users/1?größe=ü"),
        entry("G\x1bT", f"{SHOP}/users"),
        entry("POST", f"{SHOP}/login", bodySize=9),
    )
    result = crossfade(project, "record", "--har", file)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "\x1b" not in result.stdout
    assert lines[2] == "2 of 5 exchanges with shop.example kept in contracts/recorded"
    assert sorted(lines[3:]) == [
        "  1 not: a WebSocket connection",
        "  1 not: a method that HTTP does not have",
        "  1 not: the entry can't be read (no 'request')",
        "  1 not: the file lacks its body",
    ]
    kept = cases(project)
    assert kept["GET /users/<int:user_id>"].request.target == b"/users/1?gr%C3%B6%C3%9Fe=%C3%BC"
    assert {path.stat().st_mode & 0o777 for path in project.rglob("*.http")} == {0o600}


def test_file_without_a_usable_exchange_says_so(project: Path) -> None:
    """What there was instead."""
    result = crossfade(project, "record", "--har", har(project, {}, {}))
    assert result.returncode == 2
    assert (
        "no exchange that could be kept: the entry can't be read (no 'request') (2)"
        in result.stderr
    )


def test_har_into_a_folder_of_templates_is_refused(project: Path) -> None:
    """As live traffic is, though nothing is recorded."""
    text = (project / "gateway.py").read_text(encoding="utf-8")
    served = text.replace(
        "static_folder=None", 'static_folder=None, template_folder="contracts"', 1
    )
    (project / "gateway.py").write_text(served, encoding="utf-8")
    result = crossfade(project, "record", "--har", har(project, entry("GET", f"{SHOP}/users")))
    assert result.returncode == 2, result.stdout
    assert "the template folder of the Flask application" in result.stderr
    assert cases(project) == {}


def test_which_host_is_asked(project: Path) -> None:
    """A file with several says which there are."""
    file = har(project, entry("GET", f"{SHOP}/users"), entry("GET", "http://b.example:8080/users"))
    result = crossfade(project, "record", "--har", file)
    assert result.returncode == 2
    assert "shop.example (1), b.example:8080 (1)" in result.stderr
    result = crossfade(project, "record", "--har", file, "--host", "c.example")
    assert "has no exchange with c.example" in result.stderr
    assert cases(project) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"log": {"entries": {}}}', '{"log": {}}'])
def test_what_is_no_har_file(project: Path, text: str) -> None:
    """It is said, and nothing is written."""
    (project / "bad.har").write_text(text, encoding="utf-8")
    result = crossfade(project, "record", "--har", "bad.har")
    assert result.returncode == 2
    assert "bad.har is not a HAR file" in result.stderr
    assert "Traceback" not in result.stderr
    assert "can't be read" in crossfade(project, "record", "--har", "none.har").stderr


def test_the_switch_edits_the_map(project: Path) -> None:
    """On, changed, and off; comments stay, and a share that can't be is refused."""
    path = project / "migration_map.toml"
    path.write_text(f"# ours\n{GOOD_MAP}", encoding="utf-8")
    result = crossfade(project, "record", "--share", "0.05")
    assert "5% of the live requests are recorded into contracts/recorded" in result.stdout
    assert path.read_text() == f"# ours\n{GOOD_MAP}\n[record]\nshare = 0.05\n"
    result = crossfade(project, "record", "--share", "7")
    assert result.returncode == 1
    assert "migration_map.toml:7: record.share: 7" in result.stderr
    result = crossfade(project, "record", "--share", "0")
    assert result.stdout.splitlines() == [
        "live requests are not recorded; --share 0.05 begins with 5% of them",
        "0 of at most 1000 cases in contracts/recorded",
    ]
    assert path.read_text().endswith("[record]\nshare = 0.0\n")


def test_what_is_there(project: Path) -> None:
    """Cases are counted by route."""
    folder = project / "contracts/recorded/get-users"
    folder.mkdir(parents=True)
    for name in "ab":
        text = f"# @route GET /users\n\n### one\nGET /users?{name}\n"
        (folder / f"200-{name}.http").write_text(text, encoding="utf-8")
    result = crossfade(project, "record")
    assert "GET /users  2" in result.stdout.splitlines()
    (folder / "200-c.http").write_text("stray", encoding="utf-8")
    result = crossfade(project, "record")
    assert result.returncode == 2
    assert "200-c.http:1: 'stray' belongs to no case" in result.stderr


def test_the_guides_maps_are_valid() -> None:
    """What the page shows can be used."""
    page = (Path(__file__).parents[2] / "docs/recording.md").read_text(encoding="utf-8")
    found = re.findall(r'```toml title="migration_map.toml"\n(.*?)```', page, re.DOTALL)
    assert [parse_map(text.encode()).record.share for text in found] == [0.05, 0.05]
    (text,) = re.findall(r"```http\n(.*?)```", page, re.DOTALL)
    login, me = parse_cases(text, "recording.md")
    assert [save.name for save in login.saves] == ["access_token"]
    assert "{{access_token}}" in dict(me.request.headers)["authorization"]
