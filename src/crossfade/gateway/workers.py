"""The workers of a running server, asked over HTTP: which map is in force, and what code they have.

Each answer of `[gateway] status_path` is one worker's. A server can't be asked how many it has, so
several requests are sent at a time, each on a connection of its own (while a worker is busy another
one takes the next), until nobody answers any more who has not answered before.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from crossfade.errors import CrossfadeError
from crossfade.wording import counted, escaped, some

_TIMEOUT: Final = 10.0  # seconds for one answer
_PATIENCE: Final = 5.0  # seconds in which a saved map is taken over by every worker
_PAUSE: Final = 0.5  # in which most take it over
_AT_A_TIME: Final = 4
_MOST: Final = 400  # answers


class NotAnswering(CrossfadeError):
    """No worker could be asked; the text says why, and what to do."""


class OldCode(CrossfadeError):
    """A worker can't serve a route that the code here has."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What one worker says of itself.

    Attributes:
        host: the machine's or container's name.
        pid: the process.
        revision: SHA-256 (hex) of the map in force.
        problems: why the file as it is now is not in force.
        routes: its routes by their names, each as in `Gateway.status`.
        values: all that it said.
    """

    host: str
    pid: int
    revision: str
    problems: tuple[str, ...]
    routes: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As a person looks for it: `host:pid`."""
        return f"{self.host}:{self.pid}"

    def lacks(self, route: str) -> bool:
        """Whether it knows the route and has no FastAPI handler for it."""
        known = self.routes.get(route)
        return known is not None and known["fastapi"] is None


class Server:
    """A running server, known by the URL of its status page.

    Args:
        url: scheme, host and `[gateway] status_path`.
        headers: sent with each request, as `Name: value`.
        token: `env:NAME`, the environment variable that holds `[gateway] status_token`.

    Raises:
        NotAnswering: it is no such URL, or no header, or the variable is not set.
    """

    def __init__(self, url: str, headers: Iterable[str] = (), token: str | None = None) -> None:
        self.url = url
        self._request = _request(url, headers)
        if token is not None:
            self._request.add_header("Authorization", f"Bearer {_secret(token)}")

    def workers(self) -> list[Worker]:
        """Return the workers that answer, sorted by their names.

        Raises:
            NotAnswering: nobody answers, or it is no gateway that does.
        """
        found: dict[tuple[str, int], Worker] = {}
        asked = nobody_new = 0
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            while asked < _MOST and nobody_new < max(8, 4 * len(found)):
                before = len(found)
                for worker in pool.map(_ask, [self._request] * _AT_A_TIME):
                    found[worker.host, worker.pid] = worker
                asked += _AT_A_TIME
                nobody_new = nobody_new + _AT_A_TIME if len(found) == before else 0
        return sorted(found.values(), key=lambda worker: (worker.host, worker.pid))

    def require_handler(self, route: str) -> None:
        """Check that every worker could serve a route natively.

        Raises:
            OldCode: one could not.
            NotAnswering: see `workers`.
        """
        workers = self.workers()
        lacking = [worker for worker in workers if worker.lacks(route)]
        if lacking:
            raise OldCode(
                f"{route}: {len(lacking)} of {counted(len(workers), 'worker')} at {self.url} "
                f"({some([worker.name for worker in lacking])}) "
                f"{'have' if len(lacking) > 1 else 'has'} no FastAPI handler for it: the code is "
                "older than the handler. Deploy, or restart the server, then move the route"
            )

    def follow(self, revision: str) -> list[Worker]:
        """Wait a while for every worker to have a map in force; return what they have then.

        Raises:
            NotAnswering: see `workers`.
        """
        deadline = time.monotonic() + _PATIENCE
        while True:
            time.sleep(_PAUSE)
            workers = self.workers()
            waited_for = [w for w in workers if w.revision != revision and not w.problems]
            if not waited_for or time.monotonic() > deadline:
                return workers


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Takes the token nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        """Return nothing to be asked instead, so that the redirect is an error."""


def _secret(token: str) -> str:
    kind, _, name = token.partition(":")
    if kind != "env" or not name:
        raise NotAnswering("write the token as env:NAME, the environment variable that holds it")
    secret = os.environ.get(name, "").strip()
    if not secret:
        raise NotAnswering(f"the environment variable {name} is not set")
    return secret


def _request(url: str, headers: Iterable[str]) -> urllib.request.Request:
    if not url.startswith(("http://", "https://")):
        raise NotAnswering(f"{url} is not a URL: write http://127.0.0.1:8000/_crossfade")
    request = urllib.request.Request(url)  # noqa: S310 - the scheme is checked
    for line in headers:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise NotAnswering(f"{line!r} is not a header: write 'Name: value'")
        request.add_header(name.strip(), value.strip())
    return request


def _ask(request: urllib.request.Request) -> Worker:
    url = request.full_url
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_TIMEOUT) as answer:
            values = json.load(answer)
        return Worker(
            str(values.get("host", "")),
            int(values["pid"]),
            str(values["revision"]),
            tuple(values["problems"]),
            {route["route"]: route for route in values["routes"]},
            values,
        )
    except urllib.error.HTTPError as error:
        with error:
            raise NotAnswering(
                f"{url} answered {error.code}: {_ADVICE.get(error.code, _SET_IT)}"
            ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NotAnswering(f"{url} does not answer: {escaped(str(reason))}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAnswering(f"what answers at {url} is not a gateway's status. {_SET_IT}") from None


_ADVICE: Final = {
    401: "it needs the token of [gateway] status_token: name its variable with --token env:NAME",
    404: "[gateway] status_path names another path, or the gateway shows its state to its own "
    "machine alone, as it does without [gateway] status_token",
}
_SET_IT: Final = (
    'Give the URL of the status page: [gateway] status_path = "/_crossfade" in the map makes one.'
)
