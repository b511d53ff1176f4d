"""An application worker inside the test: it keeps its installs as documents, as the real ones do over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from segue.model.applications import (
    Application,
    ApplicationEvent,
    CustomAction,
    InstalledApplication,
    MethodAnswer,
    SettingsField,
    SettingsForm,
)
from segue.model.documents import Document, DocumentKind
from segue.model.errors import WorkerRefused
from segue.model.workers import Worker
from segue.ports.documents import DocumentCatalog, DocumentFilter

_FORM = SettingsForm(
    key="authorization_form",
    name="Authorization",
    fields=(
        SettingsField(key="client_id", type="text", label="Client id", required=True),
        SettingsField(key="client_secret", type="password", label="Client secret"),
        SettingsField(key="redirect_url", type="text", label="Redirect URL", read_only=True),
        SettingsField(key="retries", type="number"),
        SettingsField(key="sandbox", type="checkbox"),
        SettingsField(key="region", type="selectbox", choices=("eu", "us")),
        SettingsField(key="tags", type="multiselect", choices=({"value": "a", "label": "A"},)),
        SettingsField(key="site", type="url"),
    ),
)


class FakeApplicationWorkers:
    """Implements `ApplicationWorkers` with what is put into `offered`, by the names of workers.

    `refusing`: these methods are refused. `called` are the calls that changed something, in order.
    """

    def __init__(self, documents: DocumentCatalog) -> None:
        self._documents = documents
        self.offered: dict[str, list[Application]] = {}
        self.events: tuple[str, ...] = ()
        self.actions: tuple[CustomAction, ...] = ()
        self.limits_of: dict[str, list[str]] = {}
        self.refusing: set[str] = set()
        self.called: list[tuple[Any, ...]] = []
        self.values: dict[str, dict[str, Any]] = {}
        self.subscribed: dict[str, str] = {}

    async def applications(self, worker: Worker) -> list[Application]:
        """See `ApplicationWorkers`."""
        self._check("applications")
        return [replace(each, methods=()) for each in self.offered.get(worker.name, [])]

    async def application(self, worker: Worker, key: str) -> Application:
        """See `ApplicationWorkers`."""
        return next(each for each in self.offered[worker.name] if each.key == key)

    async def installed(self, worker: Worker, key: str, user: str) -> InstalledApplication:
        """See `ApplicationWorkers`."""
        [document] = await self._install(key, user)
        fields = tuple(
            replace(field, value=bool(value) if field.type == "password" else value)
            for field in _FORM.fields
            for value in [self.values.get(f"{key}/{user}", {}).get(field.key)]
        )
        return InstalledApplication(
            application=await self.application(worker, key),
            user=user,
            enabled=document.enabled,
            authorized="token" in self.values.get(f"{key}/{user}", {}),
            forms=(replace(_FORM, fields=fields),),
            actions=self.actions,
            events=tuple(
                ApplicationEvent(name=name, enabled=name in self.subscribed, process=self.subscribed.get(name, ""))
                for name in self.events
            ),
        )

    async def install(self, worker: Worker, key: str, user: str) -> None:
        """See `ApplicationWorkers`."""
        self._note("install", worker.name, key, user)
        fields = msgspec.json.encode({"user": user, "key": key, "enabled": False, "expires": None})
        number = len(await self._documents.documents(DocumentFilter(kind=DocumentKind.INSTALL, deleted=True)))
        document = Document(id=f"{number:024x}", kind=DocumentKind.INSTALL, fields=fields, created=1, updated=1)
        await self._documents.put_document(document)

    async def uninstall(self, worker: Worker, key: str, user: str) -> None:
        """See `ApplicationWorkers`."""
        self._note("uninstall", worker.name, key, user)
        ids = [document.id for document in await self._install(key, user)]
        await self._documents.delete_documents(DocumentKind.INSTALL, ids, 2)

    async def set_enabled(self, worker: Worker, key: str, user: str, enabled: bool) -> None:
        """See `ApplicationWorkers`."""
        self._note("set_enabled", worker.name, key, user, enabled)
        for document in await self._install(key, user):
            change = {"enabled": Raw(b"true" if enabled else b"false")}
            await self._documents.merge_document(DocumentKind.INSTALL, document.id, change, {}, 2)

    async def save_settings(
        self, worker: Worker, key: str, user: str, settings: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """See `ApplicationWorkers`."""
        self._note("save_settings", worker.name, key, user, settings)
        for values in settings.values():
            self.values.setdefault(f"{key}/{user}", {}).update(values)

    async def save_password(  # noqa: PLR0917 - where the password belongs
        self, worker: Worker, key: str, user: str, form: str, field: str, password: str
    ) -> None:
        """See `ApplicationWorkers`."""
        self._note("save_password", worker.name, key, user, form, field)
        self.values.setdefault(f"{key}/{user}", {})[field] = password

    async def authorize(self, worker: Worker, key: str, user: str, back: str) -> str:
        """See `ApplicationWorkers`."""
        self._note("authorize", worker.name, key, user, back)
        return f"https://other.example/authorize?client_id=x&state={user}.{key}&code_challenge=c"

    async def authorized(self, worker: Worker, key: str, user: str, answer: Mapping[str, str]) -> None:
        """See `ApplicationWorkers`."""
        self._note("authorized", worker.name, key, user, dict(answer))
        self.values.setdefault(f"{key}/{user}", {})["token"] = answer.get("code")

    async def call(self, worker: Worker, key: str, method: str, body: Any) -> MethodAnswer:
        """See `ApplicationWorkers`."""
        self._note("call", worker.name, key, method, body)
        return MethodAnswer(status=200, media_type="text/html", body=b"<script>alert(1)</script>")

    async def subscribe(  # noqa: PLR0917 - what is subscribed, and where it shall lead
        self, worker: Worker, key: str, user: str, event: str, process: str, node: str | None
    ) -> None:
        """See `ApplicationWorkers`."""
        self._note("subscribe", worker.name, key, user, event, process, node)
        if "token" in self.values.get(f"{key}/{user}", {}):
            self.subscribed[event] = process

    async def unsubscribe(self, worker: Worker, key: str, user: str, event: str, process: str) -> None:
        """See `ApplicationWorkers`."""
        self._note("unsubscribe", worker.name, key, user, event, process)
        self.subscribed.pop(event, None)

    async def limits(self, worker: Worker, user: str, keys: Sequence[str]) -> list[str]:
        """See `ApplicationWorkers`."""
        self._note("limits", worker.name, user, tuple(keys))
        return self.limits_of.get(user, [])

    async def close(self) -> None:
        """Nothing is open."""

    def _note(self, *call: Any) -> None:
        self._check(call[0])
        self.called.append(call)

    def _check(self, method: str) -> None:
        if method in self.refusing:
            raise WorkerRefused(f"{method} is refused")

    async def _install(self, key: str, user: str) -> list[Document]:
        wanted = DocumentFilter(kind=DocumentKind.INSTALL, users=[user], applications=[key])
        return await self._documents.documents(wanted)
