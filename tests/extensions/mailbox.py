"""An SMTP server that keeps what it is sent, and reads it as a person's mail program would."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from functools import cached_property
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

NOISE = ("message-id", "date")
"""Headers that differ from one mail to the next, whoever sends it."""


@dataclass(frozen=True, eq=False, repr=False)
class Mail:
    """One mail as it arrived. Two are equal that no reader could tell apart."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        message = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def shown(self) -> dict[str, Any]:
        """Return what a reader is shown.

        No moment, id or boundary; no order of headers; not how a name is encoded.
        """
        message = self.message
        headers = [(name.lower(), str(value)) for name, value in message.items()]
        return {
            "envelope": (self.sender, self.recipients),
            "headers": sorted(
                (name, value if name not in NOISE else "…")
                for name, value in headers
                if name != "content-type"  # has the boundary; `parts` says the rest
            ),
            "parts": [_part(part) for part in message.walk()],
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mail) and self.shown() == other.shown()

    def __repr__(self) -> str:
        return f"<Mail to {', '.join(self.recipients)}: {self.message['subject']}>"


def _part(part: Message[Any, Any]) -> tuple[Any, ...]:
    content = None if part.is_multipart() else part.get_payload(decode=True)
    if isinstance(content, bytes) and part.get_content_charset():
        content = content.removesuffix(b"\r\n")  # `EmailMessage` always ends a text with one
    return (
        part.get_content_type(),
        part.get_content_charset(),
        part.get("content-transfer-encoding"),
        part.get_content_disposition(),
        part.get_filename(),
        content,
    )


class Mailbox:
    """Keeps what its server is sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[Mail] = []
        self.connections = 0
        self.refused = ""
        self._lock = threading.Condition()

    async def handle_EHLO(  # noqa: N802 - so aiosmtpd calls it
        self, server: SMTP, session: Any, envelope: Envelope, host: str, responses: list[str]
    ) -> list[str]:
        """Count who connects."""
        session.host_name = host
        self.connections += 1
        return responses

    async def handle_DATA(  # noqa: N802 - so aiosmtpd calls it
        self, server: SMTP, session: Any, envelope: Envelope
    ) -> str:
        """Take a mail, or refuse it with the words of `refused`."""
        if self.refused:
            return self.refused
        assert isinstance(envelope.content, bytes)
        mail = Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.content)
        with self._lock:
            self.mails.append(mail)
            self._lock.notify_all()
        return "250 OK"

    def wait(self, count: int) -> list[Mail]:
        """Return the mails once there are so many: what is sent in the background takes a while."""
        with self._lock:
            arrived = self._lock.wait_for(lambda: len(self.mails) >= count, timeout=30)
        assert arrived, f"{len(self.mails)} mails of {count}"
        return self.mails


@contextmanager
def smtp_server() -> Iterator[Mailbox]:
    """Serve SMTP on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        mailbox = Mailbox(listener.getsockname()[1])
        loop = asyncio.new_event_loop()
        over = asyncio.Event()

        async def serve() -> None:
            server = await loop.create_server(
                lambda: SMTP(mailbox, hostname="sink.example", loop=loop), sock=listener
            )
            async with server:
                await over.wait()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
        thread.start()
        try:
            yield mailbox
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join()
            loop.close()


class SentMails:
    """What a contract compares of the mails, and resets."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def capture(self) -> Mapping[str, object]:
        """Return what has arrived."""
        return {"mails": tuple(self.mailbox.mails)}

    def restore(self, captured: object) -> None:
        """Forget what has arrived since."""
        assert isinstance(captured, Mapping)
        self.mailbox.mails[:] = captured["mails"]
