"""Mails without Flask: `email.message.EmailMessage`, and `smtplib` on a thread."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid, parseaddr
from typing import Annotated, Any

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, select_autoescape

from legacy_flask.invitations import FIXTURES, INVITATION
from legacy_flask.models import Player
from new_fastapi.compat.templates import TEMPLATES
from new_fastapi.settings import MailSettings

logger = logging.getLogger(__name__)

# As Flask has it: pages are escaped, texts are not.
_templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape())


def invitation(
    settings: MailSettings, player: Player, email: str, note: str | None, occasion: str = INVITATION
) -> EmailMessage:
    """Return the mail that invites `player`."""
    about = {"player": player, "note": note, "occasion": occasion}
    message = EmailMessage()
    message["Subject"] = f"Training with {player.name} ⚽"
    message["From"] = settings.default_sender
    # Not `formataddr`: of Siobhán "Sibs" O'Brien a header that is text loses the quotes.
    message["To"] = Address(player.name, addr_spec=email)
    message["Date"] = localtime()
    message["Message-ID"] = make_msgid()
    message["Reply-To"] = settings.reply_to
    message.set_content(_render("txt", about), cte="8bit")
    message.add_alternative(_render("html", about), subtype="html", cte="8bit")
    message.add_attachment(
        FIXTURES.read_bytes(), maintype="text", subtype="plain", filename="Fixtures São Jorge.txt"
    )
    return message


def _render(kind: str, about: dict[str, Any]) -> str:
    return _templates.get_template(f"mail/invitation.{kind}").render(**about)


class Mailer:
    """Sends mails over SMTP. It blocks: call it from a thread.

    Args:
        settings: those that Flask-Mail has.
    """

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings

    def send(self, *messages: EmailMessage) -> None:
        """Send all over one connection.

        Raises:
            OSError: the server can't be reached, or refuses (`smtplib.SMTPException`).
        """
        if self.settings.suppress:  # Flask-Mail's switch would stop Flask-Mail only
            return
        with self._connection() as connection:
            for message in messages:
                self._hand_over(connection, message)

    def send_or_log(self, messages: Iterable[EmailMessage]) -> None:
        """Send in the background, where nobody is left to be told of a failure."""
        try:
            self.send(*messages)
        except OSError:
            logger.exception("A mail was not sent")

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        settings = self.settings
        kind = smtplib.SMTP_SSL if settings.use_ssl else smtplib.SMTP
        with kind(settings.server, settings.port, timeout=settings.timeout) as connection:
            if settings.use_tls:
                connection.starttls()
            if settings.username and settings.password:
                connection.login(settings.username, settings.password)
            yield connection

    def _hand_over(self, connection: smtplib.SMTP, message: EmailMessage) -> None:
        sender = parseaddr(self.settings.default_sender)[1]
        connection.send_message(message, from_addr=sender)


def get_mailer(request: Request) -> Mailer:
    """Return the mailer of the settings that the application started with."""
    return Mailer(request.app.state.settings.mail)


TheMailer = Annotated[Mailer, Depends(get_mailer)]
