"""The sender of mails, against a real SMTP server (aiosmtpd); mails are read as a client would read them."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec.structs import replace

from segue.adapters.senders import Senders
from segue.model.notices import EmailSender, Security, SenderSettings
from segue.ports.notifier import Undelivered
from segue.testing.contracts.notifier import SECRET, NotifierContract, Received, notice
from tests.adapters.worker_http.certificates import Authority


class Mailbox:
    """What the server does with mails: it keeps them."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.refusing: set[str] = set()
        self.closed = False

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.closed or address in self.refusing:
            return "550 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 OK"


def check_login(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    good = data.login == b"segue" and data.password == SECRET.encode()
    return AuthResult(success=good, handled=False)


class MailReceiver:
    def __init__(self, folder: Path, security: Security) -> None:
        self.mailbox = Mailbox()
        authority = Authority(folder)
        context = authority.server("127.0.0.1")
        options: dict[str, Any] = {"authenticator": check_login, "auth_required": True}
        if security is Security.STARTTLS:
            options |= {"tls_context": context, "require_starttls": True}
        self.controller = Controller(
            self.mailbox,
            hostname="127.0.0.1",
            port=_free_port(),
            ssl_context=context if security is Security.TLS else None,
            **(options | ({"auth_require_tls": False} if security is not Security.STARTTLS else {})),
        )
        self.controller.start()
        self.notifier = Senders(authority.file)
        self.settings: SenderSettings = EmailSender(
            host="127.0.0.1",
            port=self.controller.port,
            security=security,
            username="segue",
            password=SECRET,
            sender="Segue <segue@example.org>",
            to=("ops@example.org",),
            timeout_s=2,
        )
        self.templated: SenderSettings = replace(
            self.settings,
            subject="Look: {{ notice.detail }}",
            text="{{ notice.detail }}",
            html="<p>{{ notice.detail }}",
        )

    async def received(self, count: int) -> list[Received]:
        assert len(self.mailbox.mails) == count
        found = []
        for envelope in self.mailbox.mails:
            mail = read(envelope)
            heads = "\n".join(f"{name}: {value}" for name, value in mail.items())
            text = f"{heads}\n\n{part(mail, 'plain')}{part(mail, 'html')}"
            found.append(Received(key=mail["Message-ID"], text=text, recipients=len(envelope.rcpt_tos)))
        return found

    def at(self, host: str, port: int) -> SenderSettings:
        return replace(self.settings, host=host, port=port, timeout_s=1)

    def wrong_secret(self) -> SenderSettings | None:
        return replace(self.settings, password=f"{SECRET}!")

    async def refuse(self) -> None:
        self.mailbox.closed = True


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def read(envelope: Envelope) -> EmailMessage:
    """The mail as a mail client parses it."""
    assert isinstance(envelope.content, bytes)
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


def part(mail: EmailMessage, subtype: str) -> str:
    body = mail.get_body(preferencelist=(subtype,))
    assert body is not None
    return str(body.get_content())


@pytest.fixture(params=[Security.STARTTLS, Security.TLS, Security.NONE])
async def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MailReceiver]:
    made = MailReceiver(tmp_path, request.param)
    yield made
    await made.notifier.close()
    made.controller.stop()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
class TestEmail(NotifierContract):
    pass


@pytest.fixture
async def mailer(tmp_path: Path) -> AsyncIterator[MailReceiver]:
    made = MailReceiver(tmp_path, Security.STARTTLS)
    yield made
    await made.notifier.close()
    made.controller.stop()


async def test_a_mail_reads_as_a_client_reads_it(mailer: MailReceiver) -> None:
    detail = "Zákazník č. 7 <script>alert(1)</script> & co"
    await mailer.notifier.send(mailer.settings, notice(detail=detail), 1)
    [envelope] = mailer.mailbox.mails
    mail = read(envelope)
    assert envelope.mail_from == "segue@example.org"
    assert mail["From"].addresses[0].addr_spec == "segue@example.org"
    assert mail["From"].addresses[0].display_name == "Segue"
    assert mail["To"].addresses[0].addr_spec == "ops@example.org"
    assert mail["Subject"] == "Message in trash: orders 2, to-crm"
    assert mail["Message-ID"] == "<segue.r.1@example.org>"
    assert mail["X-Segue-Notice"] == "r.1"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.isoformat() == "2023-11-14T22:13:20+00:00"
    assert mail.get_content_type() == "multipart/alternative"
    assert detail in part(mail, "plain")
    html = part(mail, "html")
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in html


async def test_a_recipient_that_is_refused_does_not_make_the_others_get_it_again(mailer: MailReceiver) -> None:
    mailer.mailbox.refusing = {"gone@example.org"}
    assert isinstance(mailer.settings, EmailSender)
    both = replace(mailer.settings, to=("gone@example.org", "ops@example.org"))
    await mailer.notifier.send(both, notice(), 1)
    assert [envelope.rcpt_tos for envelope in mailer.mailbox.mails] == [["ops@example.org"]]
    with pytest.raises(Undelivered, match=r"gone@example\.org: 550"):
        await mailer.notifier.send(replace(both, to=("gone@example.org",)), notice(), 1)


async def test_a_server_that_nobody_vouches_for_gets_nothing(mailer: MailReceiver) -> None:
    careful = Senders()
    with pytest.raises(Undelivered, match=r"not safe|certificate"):
        await careful.send(mailer.settings, notice(), 1)
    assert mailer.mailbox.mails == []
    await careful.close()
