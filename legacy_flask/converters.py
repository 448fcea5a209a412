"""URL converters of our own."""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.routing import BaseConverter


class IdListConverter(BaseConverter):
    """`1,2,3` in a URL, `[1, 2, 3]` in the view."""

    regex = r"\d+(?:,\d+)*"

    def to_python(self, value: str) -> list[int]:
        """Return the ids that the URL names."""
        return [int(part) for part in value.split(",")]

    def to_url(self, value: Iterable[int]) -> str:
        """Return the ids as they stand in a URL."""
        return ",".join(str(part) for part in value)
