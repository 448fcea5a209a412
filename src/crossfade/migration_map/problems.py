"""What pydantic finds wrong with a migration map, in the map's own words."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from crossfade.errors import Problem, Suggester
from crossfade.migration_map.deviations import WHERE, WHERE_AND_WHEN, DeviationDocument
from crossfade.migration_map.positions import LazyOutline
from crossfade.migration_map.schema import PLANNED_ROUTE_KEYS, STAGES, MapDocument, RouteDocument
from crossfade.model import Stage, Waiver

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def explain(detail: ErrorDetails, file: str, lines: LazyOutline, suggester: Suggester) -> Problem:
    """Return pydantic's finding in the map's own words.

    Args:
        detail: what pydantic says of one key.
        file: the map, as messages call it.
        lines: where the keys stand in it.
        suggester: finds what a misspelt name may have meant.
    """
    path = tuple(str(part) for part in detail["loc"])
    line = lines(path)
    in_route = path[:1] == ("routes",) and len(path) > 1
    subject = path[1] if in_route else ".".join(path)
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        key = path[-1]
        if in_route and key in PLANNED_ROUTE_KEYS:
            return Problem(file, line, subject, f'key "{key}" is not supported yet', "Remove it.")
        known = _known_keys(path)
        remedy = suggester.nearest(key, known) or f"Known here: {', '.join(known) or 'none'}."
        return Problem(file, line, subject, f'unknown key "{key}"', remedy)
    if detail["type"] == "missing":
        reason = f'key "{path[-1]}" is missing'
        remedy = _MISSING.get(path[-1], f"Use {STAGES}.")
        if not in_route:
            remedy = "A deviation has a route, what differs, and the reason why that is right."
        return Problem(file, line, subject, reason, remedy)
    if path == ("gateway", "status_token"):
        # Without the value, which may be the token itself.
        reason = "it is not the name of an environment variable that holds the token"
        return Problem(file, line, subject, reason, 'Write status_token = "env:NAME".')
    if detail["type"] == "string_pattern_mismatch" and detail["ctx"]["pattern"] in (
        WHERE,
        WHERE_AND_WHEN,
    ):
        reason = f"{detail['input']!r} is not a place in an answer"
        remedy = (
            'Write "status", "header.x-request-id", "cookie.theme", "body.made_at" or "state.x".'
        )
        return Problem(file, line, subject, reason, remedy)
    if detail["type"] == "value_error":
        reason = str(detail["ctx"]["error"])
        value = detail["input"]
        remedy = suggester.nearest(str(value), [stage.value for stage in Stage])
        return Problem(file, line, subject, reason, remedy)
    reason = f"{detail['input']!r} is not valid: {detail['msg'][0].lower()}{detail['msg'][1:]}"
    return Problem(file, line, subject, reason)


_MISSING: Final = {
    "waived": 'Say why: receipt = { waived = "the reason", until = 2030-01-31 }.',
    "until": 'Give it an end: receipt = { waived = "the reason", until = 2030-01-31 }.',
}
"""What to write where a key is missing."""


def _known_keys(path: tuple[str, ...]) -> list[str]:
    if len(path) == 1:
        return list(MapDocument.model_fields)
    if path[0] == "routes":
        inside = path[2:3] == ("receipt",) and len(path) > 3
        return [key.name for key in fields(Waiver)] if inside else list(RouteDocument.model_fields)
    if path[0] == "deviations":
        return list(DeviationDocument.model_fields)
    table: Any = MapDocument.model_fields[path[0]].annotation
    return [setting.name for setting in fields(table)]
