"""The comparison of two responses with their texts word by word. Pure."""

from __future__ import annotations

from crossfade.contract.nondeterminism.texts import ONE_WORD, columns, structure
from crossfade.messages.codings import decoded
from crossfade.messages.compare import Difference, Kind, compare
from crossfade.messages.exchange import Response


def by_words(legacy: Response, native: Response) -> tuple[Difference, ...]:
    """Every difference that a client could see; of two texts of one structure each word."""
    found: list[Difference] = []
    for difference in compare(legacy, native):
        texts = [_text(response) for response in (legacy, native)]
        if difference.kind is Kind.TEXT and structure(texts[0]) == structure(texts[1]):
            for before, (ours, theirs) in columns(texts):
                where = "body" if structure(texts[0]) == ONE_WORD else f"body«{before}»"
                found.append(Difference(Kind.TEXT, where, ours, theirs))
        else:
            found.append(difference)
    return tuple(found)


def _text(response: Response) -> str:
    return decoded(response).body.decode(errors="replace")
