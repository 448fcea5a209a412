"""Flask-Mail and its native counterparts, in front of a real SMTP server."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from flask import Flask, current_app
from flask_mail import Message, email_dispatched

from crossfade import mount_legacy
from crossfade.contract import ContractFailed, SQLAlchemyState, States
from legacy_flask.config import complete, from_environ
from legacy_flask.extensions import mail
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app
from new_fastapi.mail import Mailer, get_mailer
from tests.extensions.conftest import Gateway
from tests.extensions.mailbox import Mailbox, SentMails, smtp_server

if TYPE_CHECKING:
    from crossfade.contract.run.client import Contract
    from crossfade.pytest.routes import Routes

pytestmark = pytest.mark.slow

INVITE = "POST /players/<int:player_id>/invite"
REMIND = "POST /players/<int:player_id>/remind"
INVITE_TEAM = "POST /teams/<int:team_id>/invite"

GOOD = {"email": "zoe@example.com", "note": 'Grüße, "Zoë" <b>'}


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Return what an SMTP server of this test was sent."""
    with smtp_server() as box:
        yield box


@pytest.fixture
def config(config: dict[str, Any], mailbox: Mailbox) -> dict[str, Any]:
    """Send mails to that server."""
    return {**config, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mailbox.port}


@pytest.mark.parametrize("verb", ["invite", "remind"])
def test_the_same_mail_arrives(gateway: Gateway, mailbox: Mailbox, verb: str) -> None:
    """Envelope, headers, parts, encodings and the attachment: also of a name with quotes."""
    legacy, native = gateway(), gateway(INVITE, REMIND)
    for player in (1, 2, 3):
        one = legacy.post(f"/players/{player}/{verb}", json=GOOD)
        assert (one.status_code, one.headers["x-served-by"]) == (202, "flask")
        other = native.post(f"/players/{player}/{verb}", json=GOOD)
        assert (other.status_code, other.headers["x-served-by"]) == (202, "fastapi")
        assert other.content == one.content
        by_flask, by_fastapi = mailbox.wait(2 * player)[-2:]
        assert by_fastapi.shown() == by_flask.shown()


def test_what_a_mail_says(gateway: Gateway, mailbox: Mailbox) -> None:
    """Two bodies, one escaped, an attachment, and names as their owners write them."""
    gateway(REMIND).post("/players/2/remind", json=GOOD)
    (arrived,) = mailbox.mails
    assert (arrived.sender, arrived.recipients) == ("club@example.com", ("zoe@example.com",))
    message = arrived.message
    assert message["to"] == '"Siobhán \\"Sibs\\" O\'Brien" <zoe@example.com>'
    assert message["subject"] == 'Training with Siobhán "Sibs" O\'Brien ⚽'
    assert message["from"] == "Café Rovers <club@example.com>"
    assert message["reply-to"] == "Zoë Müller <coach@example.com>"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert 'Grüße, "Zoë" <b>' in text.get_content()
    assert "Grüße, &#34;Zoë&#34; &lt;b&gt;" in html.get_content()
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "Fixtures São Jorge.txt"


@pytest.mark.parametrize("native", [(), (INVITE, REMIND, INVITE_TEAM)], ids=["flask", "fastapi"])
def test_wrong_input_sends_nothing(
    gateway: Gateway, mailbox: Mailbox, native: tuple[str, ...]
) -> None:
    """Nobody, no address, a header smuggled in, a text that no mail can hold."""
    client = gateway(*native)
    for verb in ("players/1/invite", "players/1/remind", "teams/1/invite"):
        refuse(client, verb)
    assert mailbox.mails == []


def refuse(client: httpx.Client, verb: str) -> None:
    """Send what the route has to refuse."""
    for bad in ("ada", "ada@x\nbcc: eve@example.com", "a..b@example.com", "zoë@example.com", None):
        assert client.post(f"/{verb}", json={"email": bad}).json() == {
            "error": "email is required and must be an address"
        }
    half = client.post(
        f"/{verb}",
        content=b'{"email": "ada@example.com", "note": "\\ud800"}',
        headers={"content-type": "application/json"},
    )
    assert half.json() == {"error": "note must be a text of at most 500 characters"}
    missing = client.post(f"/{verb.replace('1', '99')}", json={"email": "ada"})
    assert missing.status_code == 404


def test_a_team_over_one_connection(gateway: Gateway, mailbox: Mailbox) -> None:
    """`mail.connect()` and its counterpart log in once for all mails."""
    for count, native in enumerate([(), (INVITE_TEAM,)], 1):
        answer = gateway(*native).post("/teams/1/invite", json=GOOD)
        assert answer.json() == {"players": ["Mia Hamm"], "status": "invited"}
        mailbox.wait(count)
        assert mailbox.connections == count
    mails = mailbox.mails
    Mailer(Settings.load({"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mailbox.port}).mail).send(
        *(each.message for each in mails), mails[0].message
    )
    assert (mailbox.connections, len(mailbox.mails)) == (3, 5)


# --- when the mail can't be sent ------------------------------------------------------------------


def test_flask_and_sending_before_the_answer_tell_the_client(
    gateway: Gateway, mailbox: Mailbox
) -> None:
    """A refused mail is Flask's 500, on either side."""
    mailbox.refused = "554 No thanks"
    legacy = gateway().post("/players/1/remind", json=GOOD)
    native = gateway(REMIND).post("/players/1/remind", json=GOOD)
    assert (legacy.headers["x-served-by"], native.headers["x-served-by"]) == ("flask", "fastapi")
    assert legacy.status_code == native.status_code == 500
    assert native.content == legacy.content


def test_in_the_background_the_client_has_its_answer(
    gateway: Gateway, legacy: Flask, mailbox: Mailbox
) -> None:
    """The 202 is out; what is left are the teardown functions, which are told, and the log."""
    told: list[BaseException | None] = []
    over = threading.Event()

    @legacy.teardown_request
    def note(error: BaseException | None) -> None:
        told.append(error)
        over.set()

    mailbox.refused = "554 No thanks"
    assert gateway(INVITE).post("/players/1/invite", json=GOOD).status_code == 202
    assert over.wait(30)
    assert "No thanks" in str(told)


def test_a_failure_in_the_background_is_logged(gateway: Gateway, mailbox: Mailbox) -> None:
    """By the mailer itself: then nothing of it reaches Flask or the server."""
    logged: queue.Queue[str] = queue.Queue()

    class Notice(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.put(self.format(record))

    notice = Notice()
    logging.getLogger("new_fastapi.mail").addHandler(notice)
    try:
        mailbox.refused = "554 No thanks"
        assert gateway(INVITE_TEAM).post("/teams/1/invite", json=GOOD).status_code == 202
        text = logged.get(timeout=30)
    finally:
        logging.getLogger("new_fastapi.mail").removeHandler(notice)
    assert "A mail was not sent" in text
    assert "554, b'No thanks'" in text


# --- what hangs on Flask-Mail ---------------------------------------------------------------------


def test_signals_and_recording_hear_of_borrowed_mails_only(
    gateway: Gateway, legacy: Flask, mailbox: Mailbox
) -> None:
    """`email_dispatched` and `record_messages` know what Flask-Mail sends, whoever asked for it."""
    told: list[tuple[str, str]] = []
    over = threading.Event()

    def dispatched(app: Flask, message: Message) -> None:
        told.append((app.name, current_app.name))

    @legacy.teardown_appcontext
    def end(error: BaseException | None) -> None:
        over.set()

    client = gateway(INVITE, INVITE_TEAM)
    with email_dispatched.connected_to(dispatched, legacy), mail.record_messages() as outbox:
        client.post("/players/1/invite", json=GOOD)
        assert over.wait(30)
        client.post("/teams/1/invite", json=GOOD)
        mailbox.wait(2)
    assert [str(message.subject) for message in outbox] == ["Training with Mia Hamm ⚽"]
    assert told == [("legacy_flask", "legacy_flask")]


def test_the_context_is_open_while_a_borrowed_mail_is_sent(
    gateway: Gateway, legacy: Flask, mailbox: Mailbox
) -> None:
    """Teardown follows the background task, although the client has its answer before."""
    order: list[str] = []
    over = threading.Event()

    def dispatched(app: Flask, message: Message) -> None:
        order.append("sent")

    @legacy.teardown_appcontext
    def end(error: BaseException | None) -> None:
        order.append("torn down")
        over.set()

    with email_dispatched.connected_to(dispatched, legacy):
        gateway(INVITE).post("/players/1/invite", json=GOOD)
        assert over.wait(30)
    assert order == ["sent", "torn down"]


def test_no_server_no_mail() -> None:
    """The example runs without an SMTP server: then neither side sends."""
    for environ, suppress in (({}, True), ({"MAIL_SERVER": "mail.example"}, False)):
        settings = complete(from_environ(environ))
        assert settings["MAIL_SUPPRESS_SEND"] is suppress
        assert Settings.load(settings).mail.suppress is suppress
    Mailer(Settings.load({"MAIL_SERVER": ""}).mail).send(EmailMessage())


# --- contracts ------------------------------------------------------------------------------------


@pytest.fixture
def contract_app(legacy: Flask, tmp_path: Path) -> FastAPI:
    """Return the gateway whose mails go to this test's server."""
    path = tmp_path / "map.toml"
    path.write_text("")
    app = create_native_app(Settings.load(legacy.config))
    mount_legacy(app, legacy, migration_map=path)
    return app


@pytest.fixture
def contract_state(legacy: Flask, mailbox: Mailbox) -> Iterator[States]:
    """Compare and reset the database and the mails."""
    database = SQLAlchemyState(legacy.config["SQLALCHEMY_DATABASE_URI"])
    yield States(database, SentMails(mailbox))
    database.close()


def test_every_case_sends_the_same_mails(contract_routes: Routes) -> None:
    """All that `prove()` makes of the route, the mails compared after each."""
    contract_routes.prove(REMIND)


def test_mails_of_the_background_are_compared(contract: Contract, mailbox: Mailbox) -> None:
    """A contract waits for background tasks, then compares, then resets."""
    contract.post("/players/2/invite", json=GOOD)
    contract.post("/teams/2/invite", json=GOOD)
    assert mailbox.mails == []
    with contract.sequence():
        contract.post("/players/2/invite", json=GOOD)
        contract.post("/players/3/invite", json=GOOD)


def test_a_native_route_that_forgets_its_mail_is_red(
    contract: Contract, contract_app: FastAPI, mailbox: Mailbox
) -> None:
    """The answers are the same to the byte; what gives it away is the mailbox."""

    class Forgetful(Mailer):
        def send(self, *messages: Any) -> None:
            pass

    contract.post("/players/1/remind", json=GOOD)

    mailer = Mailer(contract_app.state.settings.mail)
    contract_app.dependency_overrides[get_mailer] = lambda: Forgetful(mailer.settings)
    with pytest.raises(ContractFailed, match=r"state\.mails: Flask .*Training with .*FastAPI \(\)"):
        contract.post("/players/1/remind", json=GOOD)
    assert mailbox.mails == []
