"""The example: its native routes are proven, strongly, and one changed line makes that stale."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from crossfade.contract.receipts.store import Receipt
from tests.verify.kit import crossfade, run_pytest, verify, verify_each

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

ROOT = Path(__file__).parent.parent.parent
NATIVE = ["GET /hello", "GET /users/<int:user_id>", "GET /todos", "PUT /todos/<int:todo_id>"]
COPIED = [
    "gateway.py",
    "migration_map.toml",
    "legacy_flask",
    "new_fastapi",
    "tests/contract",
    "tests/extensions/revoked.py",  # what its conftest imports
    "tests/extensions/states.py",  # what its conftest imports
]

# For each native route both handlers, and what they call: a file, one line, and what it becomes.
CHANGES = {
    "GET /hello by Flask": ("legacy_flask/views/hello.py", "Hello, {", "Hallo, {"),
    "GET /hello by FastAPI": ("new_fastapi/routers/hello.py", "Hello, {", "Hallo, {"),
    "GET /users/<int:user_id> by Flask": (
        "legacy_flask/views/users.py",
        'abort(404, description=f"User {user_id} not found")',
        'abort(404, description=f"No user {user_id}")',
    ),
    "GET /users/<int:user_id> by FastAPI": (
        "new_fastapi/routers/users.py",
        'raise HTTPException(404, f"User {user_id} not found")',
        'raise HTTPException(410, f"User {user_id} not found")',
    ),
    "GET /users/<int:user_id> by what Flask calls": (
        "legacy_flask/views/users.py",
        '"name": user.name,',
        '"name": user.email,',
    ),
    "GET /todos by Flask": ("legacy_flask/views/todos.py", '{"1", "true", "yes"}', '{"1", "true"}'),
    "PUT /todos/<int:todo_id> by Flask": (
        "legacy_flask/views/todos.py",
        'jsonify(status="updated"',
        'jsonify(status="changed"',
    ),
    "PUT /todos/<int:todo_id> by what Flask calls": (
        "legacy_flask/validation.py",
        "due must be a date like 2026-05-31",
        "due must be a date",
    ),
    "PUT /todos/<int:todo_id> by what FastAPI calls": (
        "new_fastapi/compat/requests.py",
        'HTTPException(400, "Request body is required")',
        'HTTPException(422, "Request body is required")',
    ),
    "GET /users/<int:user_id> by a column": (
        "legacy_flask/models.py",
        "class User(Base):",
        "class User(Base):\n    seen = None",
    ),
}

# What stands around every route: all four are stale.
AROUND = {
    "a hook": ("legacy_flask/hooks.py", 'API_VERSION = "1"', 'API_VERSION = "2"'),
    "a page of errors": (
        "legacy_flask/templates/error.html",
        "{{ error.code }} ",
        "{{ error.code }}: ",
    ),
    "FastAPI's middleware": (
        "new_fastapi/compat/headers.py",
        "class FlaskHeaders:",
        "class FlaskHeaders:\n    more = 1",
    ),
}

# What none of the four reaches.
BESIDE = {
    "another Flask view": ("legacy_flask/views/shop.py", "Scarves are back", "Scarves are gone"),
    "another native route": ("new_fastapi/routers/shop.py", "Scarves are back", "Gone"),
    "a comment": ("gateway.py", "mount_legacy(app, create", "# serve\nmount_legacy(app, create"),
}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the example whose contracts have passed."""
    folder = tmp_path_factory.mktemp("example")
    listed = subprocess.run(
        ["git", "ls-files", *COPIED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "tests" / "__init__.py").touch()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name in ("test_routes.py", "test_postgres.py"):  # it has the contracts written by hand
        (folder / "tests" / "contract" / name).unlink()
    result = run_pytest(folder, "--crossfade-receipts")
    assert result.returncode == 0, result.stdout[-3000:]
    return folder


@pytest.fixture(scope="module")
def verdicts(example: Path) -> dict[str, Any]:
    """Return what `verify` says after each of the changes, made one at a time."""
    return verify_each(example, {**CHANGES, **AROUND, **BESIDE})


def test_all_native_routes_are_proven(example: Path) -> None:
    """Of the map, and every other that could move."""
    code, routes = verify(example)
    states = {name: route["state"] for name, route in routes.items()}
    only_native = {name for name in states if "/backoffice/" in name}
    assert {states.pop(name) for name in only_native} == {"not needed"}
    assert (code, states) == (0, dict.fromkeys(NATIVE, "valid"))
    assert len(list((example / "contract-receipts").iterdir())) > 20


def test_their_contracts_notice_99_of_100_broken_answers(example: Path) -> None:
    """Per route; what is not noticed has a rule that says why."""
    for file in (example / "contract-receipts").iterdir():
        proof = Receipt.from_toml(file.read_text(encoding="utf-8")).proof
        assert proof.mutants >= 20, file.name  # an answer without a body has few
        assert proof.strength >= 0.99, file.name
        assert all("no rule says why" not in survivor for survivor in proof.survivors)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_line_turns_its_route_red(verdicts: dict[str, Any], change: str) -> None:
    """And names the file."""
    code, routes = verdicts[change]
    route = change.partition(" by ")[0]
    (found,) = (each for each in routes if each["route"] == route)
    assert (code, found["state"]) == (1, "stale")
    assert found["reasons"][0]["kind"] == "changed"
    assert CHANGES[change][0] in {reason["file"] for reason in found["reasons"]}


def states(routes: list[dict[str, Any]]) -> set[str]:
    """Return the states of the routes that both sides have."""
    return {each["state"] for each in routes if "/backoffice/" not in each["route"]}


@pytest.mark.parametrize("change", AROUND)
def test_what_stands_around_turns_all_red(verdicts: dict[str, Any], change: str) -> None:
    """Hooks, error pages, middleware."""
    code, routes = verdicts[change]
    assert (code, states(routes)) == (1, {"stale"})


@pytest.mark.parametrize("change", BESIDE)
def test_what_is_not_reached_changes_nothing(verdicts: dict[str, Any], change: str) -> None:
    """A receipt that is always stale is one that nobody believes."""
    code, routes = verdicts[change]
    assert (code, states(routes)) == (0, {"valid"})


def test_a_route_of_the_example_is_cut_over(example: Path, tmp_path: Path) -> None:
    """The commands of the README's reader, one after the other."""
    folder = Path(shutil.copytree(example, tmp_path / "example"))
    before = (folder / "migration_map.toml").read_bytes()
    options = ("--", "-p", "no:hypothesispytest")
    moved = crossfade(folder, "cutover", "DELETE /todos/{todo_id}", *options)
    assert moved.returncode == 0, moved.stdout[-2000:] + moved.stderr
    assert re.search(r'^\+"DELETE /todos/<int:todo_id>" += "native"$', moved.stdout, re.MULTILINE)
    code, routes = verify(folder)
    assert (code, routes["DELETE /todos/<int:todo_id>"]["state"]) == (0, "valid")
    known = json.loads(crossfade(folder, "explain", "DELETE /todos/{todo_id}", "--json").stdout)
    assert known["flask"]["at"].startswith("legacy_flask/views/todos.py:")
    assert known["fastapi"]["at"].startswith("new_fastapi/routers/todos.py:")
    assert crossfade(folder, "rollback").returncode == 0
    assert (folder / "migration_map.toml").read_bytes() == before
