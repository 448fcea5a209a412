"""Which modules are the project's own, and where their sources are. Found without importing any."""

from __future__ import annotations

import hashlib
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final

from crossfade.contract.receipts.code.modules import Module

_FOREIGN: Final = tuple(
    str(Path(path))
    for path in {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
)
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


class Project:
    """The modules of a project, read once.

    Args:
        packages: top-level packages that are the project's own wherever they lie. Others are where
            they do not lie among installed packages.
    """

    def __init__(self, packages: Iterable[str] = ()) -> None:
        self._packages = frozenset(packages)
        self._modules: dict[str, Module | None] = {}
        self._files: dict[str, str] | None = None
        self._owned: dict[str, bool] = {}

    def module(self, name: str) -> Module | None:
        """The module of that name, if it is the project's own and has a source."""
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def owns(self, top: str) -> bool:
        """Whether a top-level package is the project's own, or a folder without a source."""
        if top not in self._owned:
            self._owned[top] = self.module(top) is not None or self.is_folder(top)
        return self._owned[top]

    def is_folder(self, package: str) -> bool:
        """Whether a package is the project's own and has no source: a namespace."""
        return self.module(package) is None and any(
            not is_foreign(Path(folder)) for folder in _folders(package)
        )

    def module_of(self, file: str) -> Module | None:
        """The module that was loaded from a file."""
        if self._files is None or file not in self._files:
            self._files = {
                found: name
                for name, module in list(sys.modules.items())
                if (found := _file_of_loaded(module)) is not None
            }
        name = self._files.get(file)
        return None if name is None else self.module(name)

    def loaded_with(self, names: Iterable[str]) -> dict[str, Module]:
        """Every module of the project that runs when these are imported, themselves included.

        What a function imports when it is called is not among them.
        """
        found: dict[str, Module] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            module = self.module(name)
            if name in found or module is None:
                continue
            found[name] = module
            for imported in (name, *module.loads):
                parts = imported.split(".")
                if self.owns(parts[0]):
                    waiting += (".".join(parts[:count]) for count in range(1, len(parts) + 1))
        return found

    def below(self, package: str) -> Iterator[str]:
        """The names of the modules that lie in a package of the project, at any depth."""
        for folder in _folders(package):
            for path in sorted(Path(folder).rglob("*.py")):
                inner = path.relative_to(folder).with_suffix("").parts
                if inner[-1] == "__init__":
                    inner = inner[:-1]
                if inner and all(part.isidentifier() for part in inner):
                    name = ".".join((package, *inner))
                    if self.module(name) is not None:
                        yield name

    def _find(self, name: str) -> Module | None:
        top = name.partition(".")[0]
        if top == "crossfade" or top in sys.builtin_module_names:
            return None
        path = _file_of(name)
        if path is None or path.suffix != ".py":
            return None
        if top not in self._packages and is_foreign(path):
            return None
        try:
            return Module.read(name, path)
        except (OSError, SyntaxError, ValueError, RecursionError):
            return None


def _file_of(name: str) -> Path | None:
    """The file of a module. No package is imported to find what is in it."""
    if name in sys.modules:
        file = _file_of_loaded(sys.modules[name])
        return None if file is None else Path(file)
    parent, _, leaf = name.rpartition(".")
    if not parent:
        try:
            spec = find_spec(name)
        except (ImportError, ValueError, AttributeError, TypeError):
            return None
        return None if spec is None or not spec.has_location else Path(str(spec.origin))
    for folder in _folders(parent):
        for path in (Path(folder, leaf, "__init__.py"), Path(folder, f"{leaf}.py")):
            if path.is_file():
                return path
    return None


def _folders(package: str) -> list[str]:
    """The folders in which the modules of a package lie."""
    loaded = sys.modules.get(package)
    if isinstance(loaded, ModuleType):
        # Not by getattr: a module may answer every name with something.
        found = vars(loaded).get("__path__", ())
        return [str(folder) for folder in found] if _is_paths(found) else []
    parent, _, leaf = package.rpartition(".")
    if parent:
        inside = (Path(folder, leaf) for folder in _folders(parent))
        return [str(path) for path in inside if path.is_dir()]
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError, TypeError):
        return []
    return [] if spec is None else [str(each) for each in spec.submodule_search_locations or ()]


def _is_paths(value: object) -> bool:
    try:
        return all(isinstance(each, str) for each in value)  # type: ignore[attr-defined]
    except TypeError:
        return False


def _file_of_loaded(module: object) -> str | None:
    file = vars(module).get("__file__") if isinstance(module, ModuleType) else None
    return file if isinstance(file, str) else None


def is_foreign(path: Path) -> bool:
    """Whether a file lies where packages are installed."""
    if _INSTALLED & set(path.parts):
        return True
    return any(path.is_relative_to(folder) for folder in _FOREIGN)


def is_of_tests(path: Path) -> bool:
    """Whether a file is one that pytest runs by itself."""
    return path.name == "conftest.py" or path.name.startswith("test_")


def digest(text: str | bytes) -> str:
    """The hash that receipts hold: enough of SHA-256 to be read in a diff."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:16]
