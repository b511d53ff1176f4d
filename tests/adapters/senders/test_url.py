"""The sender that calls a URL, against a real HTTP server; its signature judged by the makers of Standard Webhooks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from segue.adapters.senders import Senders
from segue.model.notices import SenderSettings, UrlSender
from segue.ports.notifier import Undelivered
from segue.testing.contracts.notifier import SECRET, NotifierContract, Received, notice

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_700_000_000_000


class UrlReceiver:
    def __init__(self) -> None:
        self.notifier = Senders()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.runner = web.ServerRunner(web.Server(self._answer))

    async def start(self) -> None:
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        host, port = self.runner.addresses[0][:2]
        self.settings: SenderSettings = UrlSender(
            url=f"http://{host}:{port}/hook?token=x",
            headers={"authorization": f"Bearer {SECRET}"},
            secret=SIGNING,
            timeout_s=1,
        )
        self.templated: SenderSettings = replace(
            self.settings, template='{"said": "{{ notice.detail }}", "what": {{ notice.events }}}'
        )

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        if self.status == 302:
            return web.Response(status=302, headers={"Location": str(self.settings.url)})
        if self.status == 200:
            self.requests.append((request.method, {k.lower(): v for k, v in request.headers.items()}, body))
        return web.Response(status=self.status, text="no" if self.status >= 300 else "")

    async def received(self, count: int) -> list[Received]:
        assert len(self.requests) == count
        return [Received(key=headers["webhook-id"], text=body.decode()) for _, headers, body in self.requests]

    def at(self, host: str, port: int) -> SenderSettings:
        return replace(self.settings, url=f"http://{host}:{port}/?token={SECRET}")

    def wrong_secret(self) -> SenderSettings | None:
        return replace(self.settings, secret=f"whsec_{SECRET}!")

    async def refuse(self) -> None:
        self.status = 503


@pytest.fixture
async def receiver() -> AsyncIterator[UrlReceiver]:
    made = UrlReceiver()
    await made.start()
    yield made
    await made.notifier.close()
    await made.runner.cleanup()


class TestUrl(NotifierContract):
    pass


async def test_the_signature_is_that_of_standard_webhooks(receiver: UrlReceiver) -> None:
    import time  # noqa: PLC0415 - their verifier reads the clock itself

    await receiver.notifier.send(receiver.settings, notice(), int(time.time() * 1000))
    [(method, headers, body)] = receiver.requests
    assert method == "POST"
    told = Webhook(SIGNING).verify(body, headers)
    assert told["type"] == "message-in-trash"
    assert told["timestamp"] == "2023-11-14T22:13:20.000Z"
    assert told["data"]["events"][0]["node"] == "to-crm"
    assert headers["idempotency-key"] == headers["webhook-id"] == told["data"]["key"] == "r.1"
    with pytest.raises(WebhookVerificationError):
        Webhook(SIGNING).verify(body + b" ", headers)


async def test_a_template_fills_the_body_and_stays_json(receiver: UrlReceiver) -> None:
    evil = 'a "quote"\n{{ notice.key }} \\ </b>'
    template = '{"text": "{{ notice.title }}: {{notice.detail}}", "all": {{ notice.events }}, "no": "{{ notice.x.7 }}"}'
    settings = replace(receiver.templated, method="PUT", template=template)
    await receiver.notifier.send(settings, notice(detail=evil), NOW)
    [(method, _, body)] = receiver.requests
    said = json.loads(body)
    assert method == "PUT"
    assert said["text"] == f"Message in trash: orders 2, to-crm: {evil}"
    assert said["all"][0]["detail"] == evil
    assert said["no"] == ""


@pytest.mark.parametrize("status", [302, 400, 410, 500])
async def test_what_is_not_answered_well_is_undelivered(receiver: UrlReceiver, status: int) -> None:
    """A redirect is not followed: where it leads nobody has agreed to."""
    receiver.status = status
    with pytest.raises(Undelivered, match=str(status)):
        await receiver.notifier.send(receiver.settings, notice(), NOW)
    assert receiver.requests == []
