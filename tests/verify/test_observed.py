"""What is seen of a running application, what of it counts, and code that answers every name."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from flask import Flask

from crossfade import mount_legacy
from crossfade.contract.receipts.code.modules import Module, Part
from crossfade.contract.receipts.code.observed import Observer, Seen
from crossfade.contract.receipts.code.observed_files import digest_of, ignored_by_git, sort_out
from crossfade.contract.receipts.code.reachability import Reach
from crossfade.contract.receipts.code.spoken import modules_in, patterns
from crossfade.contract.receipts.project import Project
from crossfade.contract.receipts.verify import Inspector

MAGIC = """\
class Anything:
    def __getattr__(self, name):
        return Anything()

    def __call__(self, *args, **kwargs):
        return "anything"

    def __iter__(self):
        return iter(())


def __getattr__(name):
    return Anything()


thing = Anything()
"""
USES = """\
import magic
from magic import nothing_of_that_name, thing


def view():
    return str(magic.any.thing.at_all) + nothing_of_that_name() + thing()


def check():
    return thing.check()


def wrapped(view):
    def inner():
        return view()

    return inner


held = wrapped(thing)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder from which modules can be imported; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, **files: str) -> None:
    """Write modules."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    importlib.invalidate_caches()


def test_basis_module_that_answers_every_name_is_read(folder: Path) -> None:
    """`__path__`, `__file__`, `__wrapped__`, `view_class`: it is not asked for any."""
    write(folder, magic=MAGIC, uses=USES)
    magic, uses = importlib.import_module("magic"), importlib.import_module("uses")
    legacy, app = Flask("uses", static_folder=None), FastAPI(openapi_url=None)
    legacy.add_url_rule("/a", "a", uses.view)
    legacy.add_url_rule("/b", "b", magic.anything)
    legacy.before_request(magic.hook)
    legacy.jinja_env.filters["any"] = magic.any
    app.get("/a", dependencies=[Depends(uses.check)])(uses.view)
    app.get("/b")(uses.held)
    (folder / "map.toml").write_text('[routes]\n"GET /a" = "native"\n', encoding="utf-8")
    gateway = mount_legacy(app, legacy, migration_map=folder / "map.toml")
    inspector, snapshot = Inspector.of(gateway), gateway.live.snapshot
    for target in snapshot.table.targets():
        inspector.code.handlers(target)
        basis = inspector.basis(snapshot.table, snapshot.map, target)
        assert basis.packages
    found = Reach(Project()).of([Part("uses", "view")])
    assert {"magic:__getattr__", "magic:thing", "uses:view"} <= set(found)


def test_project_finds_modules_without_importing_their_packages(folder: Path) -> None:
    """A string that looks like a module's name must not run one."""
    (folder / "loud").mkdir()
    (folder / "loud" / "__init__.py").write_text("raise SystemExit\n", encoding="utf-8")
    write(folder / "loud", inner="VALUE = 1\n")
    project = Project()
    inner = project.module("loud.inner")
    assert inner is not None
    assert project.module("loud.nothing") is None
    assert list(project.below("loud")) == ["loud.inner"]
    assert "loud" not in sys.modules


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('import_module("shop.a")', [("shop.a", ())]),
        ('import_module("shop")', [("shop", ())]),
        ('print("shop")', []),
        ('import_string("shop.a:b.c")', [("shop.a", ("b", "c"))]),
        ('import_module(".a", package=__name__)', [("pack.a", ())]),
        ('import_module("..a")', [("a", ())]),
        ('f("a sentence. And more")', []),
        ('f("1.2.3")', []),
    ],
)
def test_modules_in_strings(code: str, found: list[Any]) -> None:
    """Dotted names, with what is taken of the module; one word only where it is imported."""
    assert list(modules_in(ast.parse(code).body[0], "pack")) == found


@pytest.mark.parametrize(
    "code",
    [
        'f"mails/{kind}.txt"',
        '"mails/" + kind + ".txt"',
        '"mails/%s.txt" % kind',
        '"mails/{}.txt".format(kind)',
        '"mails/{kind}.txt".format_map(given)',
    ],
)
def test_patterns_of_texts_that_are_put_together(code: str) -> None:
    """However they are."""
    found = list(patterns(ast.parse(code).body[0]))
    assert any(pattern in ("mails/*.txt", "mails/*") for pattern in found)


EFFECTS = """\
import other
from other import table, Base, register

other.VALUE = 1
table["a"] = 2
local = {}
local["b"] = 3
try:
    import nothing
except ImportError:
    nothing = None
    other.setup()
for name in ("a", "b"):
    table[name] = name
if local:
    def defined():
        other.called_later()
"""


def test_module_outline_knows_what_its_import_does(tmp_path: Path) -> None:
    """What fills or patches another module runs whoever names it; what a function does, later."""
    path = tmp_path / "effects.py"
    path.write_text(EFFECTS, encoding="utf-8")
    module = Module.read("effects", path)
    lines = sorted(statement.lineno for statement in module.loose)
    assert lines == [4, 5, 8, 13]
    assert module.loads == ["other", "other.table", "other.Base", "other.register", "nothing"]


# --- what is seen ---------------------------------------------------------------------------------

READER = """\
import json
import os
from pathlib import Path

DATA = json.loads(Path("data.json").read_text())


def write():
    Path("made.json").write_text("{}")
    return Path("made.json").read_text()


def listing():
    return sorted(os.listdir("plugins"))
"""


def watched(folder: Path) -> tuple[Seen, dict[str, Module]]:
    """Import the reader and let it work, watched; return what was seen, and its module."""
    write(folder, reader=READER)
    (folder / "data.json").write_text("{}", encoding="utf-8")
    (folder / "plugins").mkdir()
    write(folder / "plugins", one="", two="")
    observer = Observer()
    observer.start()
    try:
        reader = importlib.import_module("reader")
        reader.write()
        reader.listing()
        (folder / "by_the_test.json").touch()
        (folder / "by_the_test.json").read_text(encoding="utf-8")
    finally:
        observer.stop()
    module = Project().module("reader")
    assert module is not None
    return observer.seen, {"reader": module}


def names(paths: frozenset[str], folder: Path) -> set[str]:
    """Return paths relative to a folder."""
    return {os.path.relpath(path, folder) for path in paths}


def test_observer_sees_what_the_application_reads(folder: Path) -> None:
    """Not what a test reads, nor what the application has written itself."""
    seen, loaded = watched(folder)
    found = sort_out(seen, loaded, (), folder)
    assert names(found.everywhere, folder) == {"data.json", "plugins"}
    assert found.by_route == {}


def test_observer_of_nobody_sees_nothing(folder: Path) -> None:
    """What no module of the application did is a test's affair."""
    seen, _ = watched(folder)
    assert sort_out(seen, {}, (), folder).everywhere == frozenset()


def test_observer_gives_what_libraries_open_to_the_route(folder: Path) -> None:
    """As `send_file` does for a request; the project's code is not in the way of it."""
    (folder / "page.txt").write_text("x", encoding="utf-8")
    observer = Observer()
    observer.start()
    try:
        with observer.request() as belongs_to:
            library = threading.Thread(target=Path.read_bytes, args=(folder / "page.txt",))
            library.start()
            library.join()
            belongs_to("GET /page")
    finally:
        observer.stop()
    found = sort_out(observer.seen, {}, (), folder)
    assert {route: names(paths, folder) for route, paths in found.by_route.items()} == {
        "GET /page": {"page.txt"}
    }


def test_observer_stopped_sees_nothing(folder: Path) -> None:
    """A hook of the process can't be taken away; it does nothing."""
    observer = Observer()
    observer.start()
    observer.start()
    observer.stop()
    observer.stop()
    write(folder, quiet="import json\nopen(__file__).close()\n")
    importlib.import_module("quiet")
    assert (observer.seen.read, observer.seen.ran) == ({}, {})


def test_digest_of_a_file_is_of_what_counts(tmp_path: Path) -> None:
    """Code without comments, any other file byte for byte, of a folder its modules."""
    code, data = tmp_path / "a.py", tmp_path / "a.json"
    code.write_text("A = 1\n", encoding="utf-8")
    data.write_text("{}", encoding="utf-8")
    before = [digest_of(each) for each in (code, data, tmp_path)]
    code.write_text("# why\n\nA = 1  # one\n", encoding="utf-8")
    data.write_text("{} ", encoding="utf-8")
    (tmp_path / "notes.txt").touch()
    after = [digest_of(each) for each in (code, data, tmp_path)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    (tmp_path / "b.py").touch()
    assert digest_of(tmp_path) != before[2]
    (tmp_path / "broken.py").write_text("def", encoding="utf-8")
    assert digest_of(tmp_path / "broken.py") is not None
    assert digest_of(tmp_path / "nothing") is None


def test_ignored_files_are_a_machines_own(tmp_path: Path) -> None:
    """`instance/config.py` is not in the repository, so nothing can stand on it."""
    (tmp_path / ".gitignore").write_text("instance/\n", encoding="utf-8")
    paths = [str(tmp_path / "instance" / "config.py"), str(tmp_path / "settings.cfg")]
    assert ignored_by_git(paths, tmp_path) == set()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert ignored_by_git(paths, tmp_path) == {paths[0]}
