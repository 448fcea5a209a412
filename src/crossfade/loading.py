"""Import the application that a command line or a configuration names: `module:attribute`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from crossfade.errors import CrossfadeError


class NotLoadable(CrossfadeError):
    """There is no such module, or it has no such attribute. The text says which."""


def load(target: str, root: Path) -> Any:
    """Return what `module:attribute` names, `attribute` being `app` if it is not given.

    Args:
        target: dots in the attribute go further in: `gateway:service.app`. What ends with `()` is
            called, once in a process, and what it returns is meant: `gateway:create_app()`.
        root: is searched for the module before everything else.

    Raises:
        NotLoadable: there is no such module or attribute. What else the module raises while it is
            imported, a module that it misses itself included, goes through.
    """
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    module_name, _, attribute = target.partition(":")
    if not all(module_name.split(".")):
        raise NotLoadable(f"{target!r} names no module")
    attribute, calls, rest = attribute.partition("()")
    if rest:
        raise NotLoadable(f"{target!r} is not written MODULE:NAME or MODULE:NAME()")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # the module is there; what it imports is not
        raise NotLoadable(f"there is no module {error.name!r} in {root}") from None
    for name in (attribute or "app").split("."):
        if not hasattr(found, name):
            raise NotLoadable(f"{module_name} has no {name!r}")
        found = getattr(found, name)
    if not calls:
        return found
    if not callable(found):
        raise NotLoadable(f"{attribute!r} of {module_name} can't be called")
    return _made(found)


@cache
def _made(factory: Callable[[], Any]) -> Any:
    return factory()
