"""The one place that touches private parts of Werkzeug: how rules are ordered, and compiled.

Two rules of equal weight (`/items/<uuid:key>` and `/items/<name>`) are tried in the order in
which the application added them, and `Map.iter_rules` doesn't keep that order: it groups rules by
endpoint. Only the matcher's own states have it.

For each rule Werkzeug compiles Python code that builds its URLs, which is most of the time that a
large URL map takes. A copy that only matches does without.

`tests/unit/test_werkzeug_order.py` fails when Werkzeug keeps or compiles its rules in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from werkzeug.routing import Map, Rule

from crossfade.errors import MountError


def rules_in_matching_order(url_map: Map) -> list[Rule]:
    """Return the map's rules so that adding them to a new map in this order matches alike.

    Rules that only build URLs (`build_only`) are left out, as they never match.

    Raises:
        MountError: this version of Werkzeug keeps its rules in a way unknown to crossfade.
    """
    url_map.update()
    try:
        root = url_map._matcher._root
        rules = list(_walk(root))
    except AttributeError as error:
        raise MountError(
            f"crossfade can't read the URL map of Werkzeug {version('werkzeug')} ({error}): its "
            "matching order would be a guess. Install a version of Werkzeug that crossfade was "
            "tested with, or a newer crossfade."
        ) from error
    return rules


def _walk(state: Any) -> Iterator[Rule]:
    # Depth first: siblings keep their order, and so do the rules of one state. Nothing else of
    # the order matters, since static parts go before dynamic ones whatever came first.
    yield from state.rules
    for child in state.static.values():
        yield from _walk(child)
    for _, child in state.dynamic:
        yield from _walk(child)


class MatchingRule(Rule):
    """A rule that matches and builds no URLs: `MapAdapter.build` raises `NotImplementedError`.

    Where a version of Werkzeug compiles its rules in another way, it builds them as well, and only
    time is lost.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _build_nothing


def _build_nothing(*_: object, **__: object) -> tuple[str, str]:
    raise NotImplementedError("this copy of the URL map only matches; Flask's own builds URLs")
