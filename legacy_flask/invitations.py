"""What an invitation says and to whom it may go; free of Flask, so that both sides read it here."""

from __future__ import annotations

import re
from pathlib import Path

FIXTURES = Path(__file__).parent / "downloads" / "fixtures.txt"

INVITATION = "You are invited to the season's first training: “Fußball für alle”."
REMINDER = "Please remember the season's first training."

# What RFC 5321 calls a Mailbox, without quoted strings and addresses in brackets.
_ATOM = r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"(?=.{{1,64}}@.{{1,255}}\Z){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")


def is_email(value: object) -> bool:
    """Tell whether a mail can go there."""
    return isinstance(value, str) and bool(_EMAIL.fullmatch(value))


def is_note(value: object) -> bool:
    """Tell whether a mail can hold this: JSON can say half of a surrogate pair, UTF-8 can't."""
    if not isinstance(value, str) or len(value) > 500:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)
