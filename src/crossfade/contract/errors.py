"""What a contract raises.

CrossfadeError
└── ContractError     the contract can't be carried out: no gateway, a lifespan that fails, …

AssertionError
└── ContractFailed    the two sides differ, or nothing was proven
"""

from __future__ import annotations

from crossfade.errors import CrossfadeError


class ContractError(CrossfadeError):
    """The contract can't be carried out. The text says what to do."""


class ContractFailed(AssertionError):
    """The two sides differ, or an exchange proved nothing. The text is for people."""


# pytest prefixes an exception's text by its qualified name; this is the short one.
ContractError.__module__ = ContractFailed.__module__ = "crossfade"
