"""The tests of pytest's that were collected, and the files with tests that were not."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from crossfade.contract.receipts.left_out import Contract, contract_of, files_with_contracts

_MARKER: Final = b"contract"  # in the name of every fixture that compares


def contracts_of(items: Iterable[Any]) -> list[Contract]:
    """Return the tests that compare."""
    return [found for item in items if (found := contract_of(item)) is not None]


def files_of(items: Iterable[Any], arguments: Iterable[str]) -> set[str]:
    """Return the files of which every test was collected.

    Args:
        items: all that were collected.
        arguments: what the command line names; a file of which it names tests is not whole.
    """
    parts = {str(Path(each.partition("::")[0]).resolve()) for each in arguments if "::" in each}
    return {str(Path(item.path).resolve()) for item in items} - parts


def not_collected(config: Any, collected: Collection[str]) -> list[Contract]:
    """Return a contract of unknown requests for each file of contracts that was left out.

    By the command line, `--ignore`, `--lf`, an `importorskip` or an error.
    """
    texts: dict[str, str] = {}
    around: list[str] = []
    root = Path(config.rootpath)
    patterns = config.getini("python_files")
    for path in _python_files(root, config):
        is_test = any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)
        if path.name != "conftest.py" and (not is_test or str(path.resolve()) in collected):
            continue
        data = path.read_bytes()
        if _MARKER not in data and path.name == "conftest.py":
            continue
        text = data.decode(errors="replace")
        if path.name == "conftest.py":
            around.append(text)
        else:
            texts[path.relative_to(root).as_posix()] = text
    return list(files_with_contracts(texts, around))


def _python_files(root: Path, config: Any) -> Iterator[Path]:
    """The files below the folders in which pytest looks for tests, and the ones around them."""
    named = [each for text in config.getini("testpaths") for each in root.glob(str(text))]
    without = config.getini("norecursedirs")
    for top in named or [root]:
        if top.is_file():
            yield top
        for folder, folders, files in os.walk(top):
            folders[:] = [
                each
                for each in folders
                if not any(fnmatch.fnmatch(each, pattern) for pattern in without)
                and each != "__pycache__"
                and not Path(folder, each, "pyvenv.cfg").exists()
            ]
            yield from (Path(folder, each) for each in files if each.endswith(".py"))
    if named and (root / "conftest.py").is_file():
        yield root / "conftest.py"
