"""A running gateway's live state: asked for by URL, and in one line."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections import Counter
from http.client import HTTPException
from typing import Any, Final

from crossfade.errors import CrossfadeError
from crossfade.wording import counted, escaped

_PATIENCE: Final = 10.0  # seconds


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Takes the token nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        """Return nothing to be asked instead, so that the redirect is an error."""


class StatusError(CrossfadeError):
    """The gateway could not be asked, or answered something else than its state."""


def fetch_status(url: str, token: str | None = None) -> dict[str, Any]:
    """Return the live state as the URL at `[gateway] status_path` shows it.

    Args:
        url: the whole of it: `http://127.0.0.1:8000/_crossfade`.
        token: `env:NAME`, the environment variable that holds the token.

    Raises:
        StatusError: it says what is wrong, and what to do.
    """
    if not url.startswith(("http://", "https://")):
        raise StatusError(
            f"{url} is not an http URL: write it like http://127.0.0.1:8000/_crossfade"
        )
    request = urllib.request.Request(url, headers=_credentials(token))  # noqa: S310 - see above
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_PATIENCE) as response:
            state = json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            raise StatusError(
                f"{url} answered {error.code}: {_ADVICE.get(error.code, _OTHER)}"
            ) from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise StatusError(f"{url} can't be reached: {escaped(str(reason))}") from None
    except ValueError:
        state = None
    if not isinstance(state, dict) or not state.keys() >= _KEYS:
        raise StatusError(f"{url} is not a gateway's status: {_OTHER}")
    return state


def progress(targets: list[dict[str, Any]]) -> str:
    """Return how far a migration is, by the routes of a live state."""
    served = Counter(target["served_by"] for target in targets)
    native, total = served["fastapi"], len(targets)
    ready = sum(
        target["fastapi"] is not None and target["served_by"] == "flask" for target in targets
    )
    share = f" ({native / total:.0%})" if total else ""
    return (
        f"{native} of {counted(total, 'route')} served by FastAPI{share}; "
        f"{ready} more have a FastAPI handler and are still served by Flask"
    )


_KEYS: Final = {"pid", "map", "revision", "problems", "routes"}
_OTHER: Final = "is it the path at [gateway] status_path of the map?"
_ADVICE: Final = {
    401: "it needs the token of [gateway] status_token: name its variable with --token env:NAME",
    404: "[gateway] status_path names another path, or the gateway shows its state to its own "
    "machine alone, as it does without [gateway] status_token",
}


def _credentials(token: str | None) -> dict[str, str]:
    if token is None:
        return {}
    kind, _, name = token.partition(":")
    if kind != "env" or not name:
        raise StatusError("write the token as env:NAME, the environment variable that holds it")
    secret = os.environ.get(name, "").strip()
    if not secret:
        raise StatusError(f"the environment variable {name} is not set")
    return {"Authorization": f"Bearer {secret}"}
