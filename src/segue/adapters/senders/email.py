"""Sending notices as mails: SMTP with STARTTLS, TLS or neither, a text and an HTML part."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from segue.core.notice_text import fill, in_html, one_line, plain
from segue.model.notices import EmailSender, Outgoing, Security
from segue.ports.notifier import Undelivered

log = logging.getLogger(__name__)

_THREADS = 8


class EmailNotifier:
    """Sends mails, one connection each. Delivered is what the server took for at least one recipient; those that it
    refused are logged, because trying again would send the others the mail again."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        self._pool = ThreadPoolExecutor(_THREADS, "segue-mail")

    async def send(self, settings: EmailSender, outgoing: Outgoing) -> None:
        """See `Notifier`."""
        mail = mail_of(settings, outgoing)
        work = _Conversation(settings, mail, self._trust)
        running = asyncio.get_running_loop().run_in_executor(self._pool, work.run)
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            work.break_off()
            running.add_done_callback(_look)
            raise

    def close(self) -> None:
        """Let threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _look(ended: asyncio.Future[None]) -> None:
    """What a conversation that was broken off ended with is of no interest."""
    if not ended.cancelled():
        ended.exception()


class _Conversation:
    """One mail, in a thread of its own; it can be broken off from outside."""

    def __init__(self, settings: EmailSender, mail: EmailMessage, trust: ssl.SSLContext) -> None:
        self._settings = settings
        self._mail = mail
        self._trust = trust
        self._socket: socket.socket | None = None

    def run(self) -> None:
        """Send. Raises Undelivered."""
        settings = self._settings
        try:
            with self._connect() as server:
                self._socket = server.sock
                if settings.security is Security.STARTTLS:
                    server.starttls(context=self._trust)
                    self._socket = server.sock
                if settings.username:
                    server.login(settings.username, settings.password)
                refused = server.send_message(self._mail, settings.sender, list(settings.to))
        except smtplib.SMTPRecipientsRefused as error:
            raise Undelivered(f"the server refused every recipient: {_answers(error.recipients)}") from None
        except smtplib.SMTPAuthenticationError as error:
            raise Undelivered(f"the server refused user name or password ({error.smtp_code})") from None
        except smtplib.SMTPResponseException as error:
            raise Undelivered(f"the server answered {error.smtp_code}: {_text(error.smtp_error)}") from None
        except ssl.SSLError as error:
            raise Undelivered(f"the connection is not safe: {error.reason or error}") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Undelivered(f"{type(error).__name__}: {error}") from None
        if refused:
            log.warning("Mail %s: refused recipients: %s", self._mail["Message-ID"], _answers(refused))

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.security is Security.TLS:
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=self._trust)
        return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)

    def break_off(self) -> None:
        """End the conversation at once."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def mail_of(settings: EmailSender, outgoing: Outgoing) -> EmailMessage:
    """The mail. Its Message-ID is the same at every try. Raises Undelivered."""
    mail = EmailMessage(policy=SMTP)
    subject = fill(settings.subject, outgoing.data, plain) if settings.subject else outgoing.title
    try:
        mail["Subject"] = one_line(subject)
        mail["From"] = _address(settings.sender)
        mail["To"] = tuple(_address(to) for to in settings.to)
        domain = parseaddr(settings.sender)[1].rpartition("@")[2] or "segue.invalid"
        mail["Message-ID"] = f"<segue.{outgoing.key}@{domain}>"
        mail["Date"] = format_datetime(datetime.fromtimestamp(outgoing.at / 1000, UTC))
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Segue-Notice"] = outgoing.key
    except ValueError as error:
        raise Undelivered(f"the mail cannot be written: {error}") from None
    text = fill(settings.text, outgoing.data, plain) if settings.text else outgoing.text
    html = fill(settings.html, outgoing.data, in_html) if settings.html else outgoing.html
    mail.set_content(_sendable(text), cte="quoted-printable")
    mail.add_alternative(_sendable(html), subtype="html", cte="quoted-printable")
    return mail


def _address(text: str) -> Address:
    name, spec = parseaddr(text)
    return Address(display_name=name, addr_spec=spec)


def _sendable(text: str) -> str:
    """The text without halves of surrogate pairs, which no encoding takes."""
    return text.encode("utf-8", "replace").decode()


def _answers(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{to}: {code} {_text(said)}" for to, (code, said) in list(refused.items())[:5])


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
