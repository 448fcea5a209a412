"""What code reaches: every way in which Python lets a name come from elsewhere."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from crossfade.compat import flask_view
from crossfade.contract.receipts.code.entry_points import Applications, parts_of, place_of
from crossfade.contract.receipts.code.modules import Part
from crossfade.contract.receipts.code.reachability import Reach
from crossfade.contract.receipts.project import Project
from crossfade.routing import NativeApp

FILES = {
    "pack/__init__.py": "from .inner import far as near\nfrom pack import inner\n",
    "pack/inner.py": "def far():\n    return 1\n\n\ndef other():\n    return 2\n",
    "pack/deep/__init__.py": "",
    "pack/deep/leaf.py": "VALUE = 1\nVALUE += 1\n\n\ndef leaf():\n    return VALUE\n",
    "stars.py": "from pack.inner import *\n",
    "hooks.py": """\
import functools


class events:
    on = staticmethod(lambda name: lambda function: function)


@events.on("save")
def saved():
    return 1


@functools.cache
def cached():
    return 2


def called():
    return 3


called()
""",
    "ways.py": """\
import functools
import pack.deep.leaf
import pack.inner as alias
import hooks
import stars
from pack import near, inner
from stars import *

if len(__name__) > 100:
    def either(): return 1
else:
    def either(): return 2

try:
    import nothing_of_that_name
except ImportError:
    nothing_of_that_name = None

table = {}
table["key"] = lambda: inner.far()


def decorator(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper


def reexported(): return near()
def dotted(): return pack.deep.leaf.leaf()
def aliased(): return alias.far()
def starred(): return far()
def through(): return stars.other()
def handed(): return list(map(str, [inner]))
def inside():
    from pack.deep import leaf as local
    return local.VALUE
def conditional(): return either(), nothing_of_that_name
def mutated(): return table
def ring(): return reexported() or ring()
def used() -> "Model": return 1
@decorator
def decorated(): return inner.other()
def hooked(): return hooks.called
def computed(): return getattr(inner, "f" + "ar")


class Base:
    def helper(self): return inner.other()


class Model(Base):
    value: int = 1

    def __call__(self): return self.helper()


def factory():
    def nested(): return inner.far()
    return nested
""",
}

REACHED = {
    "reexported": {"ways:reexported", "pack.inner:far"},
    "dotted": {"ways:dotted", "pack.deep.leaf:leaf", "pack.deep.leaf:VALUE"},
    "aliased": {"ways:aliased", "pack.inner:far"},
    "starred": {"ways:starred", "pack.inner:far"},
    "through": {"ways:through", "pack.inner:other"},
    "handed": {"ways:handed", "pack.inner:far", "pack.inner:other"},
    "inside": {"ways:inside", "pack.deep.leaf:VALUE"},
    "conditional": {"ways:conditional", "ways:either", "ways:nothing_of_that_name"},
    "mutated": {"ways:mutated", "ways:table", "pack.inner:far"},
    "ring": {"ways:ring", "ways:reexported", "pack.inner:far"},
    "used": {"ways:used", "ways:Model", "ways:Base", "pack.inner:other"},
    "decorated": {"ways:decorated", "ways:decorator", "pack.inner:other"},
    "hooked": {"ways:hooked", "hooks:called"},
    # What only a running program knows: all of the module is taken, as it is handed on.
    "computed": {"ways:computed", "pack.inner:far", "pack.inner:other"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with the modules, from which they can be imported."""
    folder = tmp_path_factory.mktemp("ways")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    before = set(sys.modules)
    yield folder
    sys.path.remove(str(folder))
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("name", REACHED)
def test_names_are_followed(folder: Path, name: str) -> None:
    """To where they are made, and no further than they lead."""
    found = Reach(Project()).of([Part("ways", name)])
    assert set(found) == REACHED[name]
    assert found[f"ways:{name}"].file == str(folder / "ways.py")


def test_nothing_is_run(folder: Path) -> None:
    """The source is read: a module is not imported for it."""
    sys.modules.pop("hooks", None)
    assert "hooks:called" in Reach(Project()).of([Part("ways", "hooked")])
    assert "hooks" not in sys.modules


def test_the_packages_of_a_receipt_say_what_is_the_projects_own(folder: Path) -> None:
    """Wherever it is installed; what is not installed is the project's without being named."""
    reached = set(Reach(Project(["ways"])).of([Part("ways", "reexported")]))
    assert reached == {"ways:reexported", "pack.inner:far"}
    assert Reach(Project()).of([Part("json", "dumps")]) == {}
    assert "json:dumps" in Reach(Project(["json"])).of([Part("json", "dumps")])


def values(ways: Any) -> dict[str, tuple[object, set[str]]]:
    """Return callables of each kind, with the parts that they are made of."""
    return {
        "a function": (ways.reexported, {"ways:reexported"}),
        "a decorated one": (ways.decorated, {"ways:decorated", "ways:decorator"}),
        "a nested one": (ways.factory(), {"ways:factory"}),
        "a lambda": (ways.table["key"], {"ways:table"}),
        "a partial": (functools.partial(ways.ring, ways.used), {"ways:ring", "ways:used"}),
        "a class": (ways.Model, {"ways:Model", "ways:Base"}),
        "an object": (ways.Model(), {"ways:Model", "ways:Base"}),
        "a method": (ways.Model().helper, {"ways:Model", "ways:Base"}),
        "a builtin": (len, set()),
        "nothing": (None, set()),
    }


def test_every_kind_of_callable_is_found(folder: Path) -> None:
    """With the functions inside of wrappers."""
    ways = importlib.import_module("ways")
    for kind, (value, expected) in values(ways).items():
        assert {str(part) for part in parts_of(value, Project())} == expected, kind
    line = FILES["ways.py"].splitlines().index("def decorated(): return inner.other()")
    place = place_of(ways.decorated, Project())
    assert place is not None
    assert place.endswith(f"ways.py:{line}")


def test_a_handler_below_flask_view_is_one(folder: Path) -> None:
    """So that another handler of its module does not stand on it."""
    ways = importlib.import_module("ways")
    native = FastAPI()
    native.add_api_route("/plain", ways.ring, response_model=None)
    native.add_api_route("/view", flask_view(ways.reexported), response_model=None)
    handlers = Applications(None, NativeApp(native), Project()).handlers()
    assert {Part("ways", "ring"), Part("ways", "reexported")} <= handlers
