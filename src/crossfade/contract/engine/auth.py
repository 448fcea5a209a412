"""Who asks: logins that a team names, and sessions that have to count no longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import httpx
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadData, TimestampSigner

from crossfade.contract.cases.http_file import complete
from crossfade.contract.engine.runner import Runner
from crossfade.contract.errors import ContractError
from crossfade.contract.transport.request import CookieJar, build_request, with_cookies
from crossfade.messages.exchange import Headers, Request, Response
from crossfade.model import Side

if TYPE_CHECKING:
    from crossfade.contract.engine.route_result import Verdict

LoginWay = Callable[["LoginClient"], Any] | Mapping[str, str]
"""What `contract_logins` gives for a name: headers, or a function that logs a client in."""

EXPIRED: Final = " (session expired)"
FORGED: Final = " (session forged)"


@dataclass(frozen=True, slots=True)
class Login:
    """What one person's client sends with each request.

    Attributes:
        name: as the team calls it; "" for nobody.
        headers: lines such as `authorization`.
        cookies: pairs of name and value.
    """

    name: str = ""
    headers: Headers = ()
    cookies: tuple[tuple[str, str], ...] = ()

    def dress(self, request: Request) -> Request:
        """Return the request as this person sends it; its own headers win, its cookies stay."""
        names = {name for name, _ in request.headers}
        own = tuple(pair for pair in self.headers if pair[0] not in names)
        sent = request.values("cookie")
        if sent and self.cookies:
            taken = {part.partition("=")[0].strip() for line in sent for part in line.split(";")}
            rest = "; ".join(f"{k}={v}" for k, v in self.cookies if k not in taken)
            lines = tuple(
                (name, f"{value}; {rest}" if name == "cookie" and rest else value)
                for name, value in request.headers
            )
            return replace(request, headers=(*lines, *own))
        dressed = replace(request, headers=(*request.headers, *own)) if own else request
        return with_cookies(dressed, self.cookies)


class LoginClient:
    """What a function of `contract_logins` is given: requests to Flask, whose cookies are kept."""

    def __init__(self, runner: Runner, base_url: httpx.URL, timeout: float) -> None:
        self._runner = runner
        self._base_url = base_url
        self._timeout = timeout
        self._jar = CookieJar()
        self.last: tuple[str, int] | None = None
        """The last request, and the status of Flask's answer to it."""

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET to Flask."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST to Flask, with `json`, `data`, `headers` … as in httpx."""
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send any request to Flask."""
        request = build_request(method, path, base_url=self._base_url, **options)
        if "user-agent" not in httpx.Headers(options.get("headers")):
            # As the cases are: Flask-Login takes a session for stale whose client has changed.
            lines = tuple(pair for pair in request.headers if pair[0] != "user-agent")
            request = replace(request, headers=lines)
        request = with_cookies(request, self._jar.pairs(request.raw_path, self._base_url.scheme))
        host = self._base_url.netloc.decode("ascii")
        exchange = self._runner.send(complete(request, host), Side.LEGACY, self._timeout)
        response = exchange.response
        self.last = (request.line, response.status)
        self._jar.update(response, request.raw_path, exchange.moment)
        return httpx.Response(
            response.status, headers=list(response.headers), content=response.body
        )

    @property
    def cookies(self) -> tuple[tuple[str, str], ...]:
        """What a browser would send back to any path."""
        return tuple(self._jar.pairs(b"/", self._base_url.scheme))


def log_in(
    ways: Mapping[str, LoginWay], runner: Runner, base_url: httpx.URL, timeout: float
) -> dict[str, Login]:
    """Return each login by its name, and beside a Flask session one that is over and one forged.

    Raises:
        ContractError: a way is neither a function nor a mapping, or the function raised, or Flask
            refused its last request, or it left nothing that a client could send.
    """
    logins: dict[str, Login] = {}
    for name, way in ways.items():
        if isinstance(way, Mapping):
            logins[name] = Login(name, _lines(way))
            continue
        if not callable(way):
            raise ContractError(
                f"contract_logins[{name!r}] is {way!r}; it has to be a function that logs a client "
                'in, or headers: {"authorization": "Bearer …"}'
            )
        client = LoginClient(runner, base_url, timeout)
        try:
            headers = way(client)
        except Exception as error:
            raise ContractError(f"the login {name!r} failed: {error!r}") from error
        lines = _lines(headers) if isinstance(headers, Mapping) else ()
        why = _failed(client, lines)
        if why:
            raise ContractError(f"the login {name!r} failed: {why}")
        logins[name] = Login(name, lines, client.cookies)
    for login in list(logins.values()):
        for other in _spoilt(login, runner.flask_app):
            logins[other.name] = other
    return logins


def _failed(client: LoginClient, headers: Headers) -> str:
    """Why a function has logged nobody in; "" where it may have."""
    last = (
        "it sent no request"
        if client.last is None
        else "Flask answered {} with {}".format(*client.last)
    )
    if client.last is not None and client.last[1] >= 400 and not headers:
        return last
    if not headers and not client.cookies:
        return f"{last}, and there is neither a cookie nor a header to send"
    return ""


def made_a_difference(verdicts: Iterable[Verdict], logins: Mapping[str, Login]) -> dict[str, bool]:
    """Whether Flask answers each login in another way than nobody, where both have asked.

    Args:
        verdicts: of the cases of one route.
        logins: by name.
    """
    by_request: dict[tuple[object, ...], dict[str, Response]] = {}
    for verdict in verdicts:
        if verdict.outcome is not None:
            request = verdict.case.request
            key = (request.method, request.target, request.body)
            answers = by_request.setdefault(key, {})
            answers.setdefault(verdict.case.login, verdict.outcome.legacy.response)
    found: dict[str, bool] = {}
    for answers in by_request.values():
        nobody = answers.get("")
        for name, answer in answers.items():
            if name in logins and nobody is not None and name and "(session " not in name:
                differs = (answer.status, answer.body) != (nobody.status, nobody.body)
                found[name] = found.get(name, False) or differs
    return found


def _lines(headers: Mapping[str, str]) -> Headers:
    return tuple((name.lower(), value) for name, value in headers.items())


def _spoilt(login: Login, app: Flask | None) -> list[Login]:
    """The same person with a session that is too old, and with one whose signature is wrong."""
    if app is None:
        return []
    cookie = app.config["SESSION_COOKIE_NAME"]
    value = dict(login.cookies).get(cookie)
    if value is None:
        return []
    others = [login for login in login.cookies if login[0] != cookie]

    def wearing(mark: str, text: str) -> Login:
        return Login(login.name + mark, login.headers, (*others, (cookie, text)))

    payload, _, signature = value.rpartition(".")
    other = "B" if signature[:1] == "A" else "A"
    spoilt = [wearing(FORGED, f"{payload}.{other}{signature[1:]}")]
    old = _aged(value, app)
    return [wearing(EXPIRED, old), *spoilt] if old else spoilt


def _aged(value: str, app: Flask) -> str | None:
    """The session's content signed longer ago than Flask accepts; None for a session elsewhere."""
    interface = app.session_interface
    if not isinstance(interface, SecureCookieSessionInterface):
        return None
    serializer = interface.get_signing_serializer(app)
    if serializer is None:
        return None
    age = app.permanent_session_lifetime.total_seconds() + 86400

    class LongAgo(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time() - age)

    try:
        content = serializer.loads(value)
    except BadData:
        return None
    serializer.signer = LongAgo
    text = serializer.dumps(content)
    return text if isinstance(text, str) else text.decode()
