"""What workers say about applications, as Orchesty's SDKs write it, and what it is here."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from segue.model import applications as model


class Application(Struct):
    """An application; the list leaves out the methods."""

    key: str
    name: str | None = None
    description: str | None = None
    authorization_type: str | None = None
    application_type: str | None = None
    info: str | None = None
    logo: str | None = None
    is_installable: bool | None = field(default=True, name="isInstallable")
    sync_methods: list[str] = field(default_factory=list, name="syncMethods")


class Listed(Struct):
    """The list of applications."""

    items: list[Application]


class Field(Struct):
    """A field of a form."""

    key: str
    type: str
    label: str | None = None
    description: str | None = None
    value: Any = None
    required: bool | None = False
    read_only: bool | None = field(default=False, name="readOnly")
    disabled: bool | None = False
    choices: list[Any] | dict[str, Any] | None = None


class Form(Struct):
    """A form."""

    key: str
    public_name: str | None = field(default=None, name="publicName")
    description: str | None = None
    read_only: bool | None = field(default=False, name="readOnly")
    fields: list[Field] | None = None


class Event(Struct):
    """An event that can be subscribed."""

    name: str
    default: bool | None = False
    enabled: bool | None = False
    topology: str | None = None


class Action(Struct):
    """A custom action."""

    name: str
    action: str
    url: str | None = None
    body: str | None = None
    process: str | None = field(default=None, name="topologyName")
    node: str | None = field(default=None, name="nodeName")


class Installed(Application, kw_only=True):
    """An application as it is installed. PHP writes an empty map as an empty list.

    Connectors answer `authorized` with whatever JavaScript takes for true, a password for one.
    """

    authorized: Any = False
    enabled: Any = False
    forms: dict[str, Form] | list[Form] | None = field(default=None, name="applicationSettings")
    events: list[Event] | None = field(default=None, name="webhookSettings")
    actions: list[Action] | None = field(default=None, name="customActions")


class Authorize(Struct):
    """Where an authorization begins."""

    authorize_url: str = field(name="authorizeUrl")


def application_of(worker: str, said: Application) -> model.Application:
    """Return the application of a worker."""
    return model.Application(
        worker=worker,
        key=said.key,
        name=said.name or said.key,
        description=said.description or "",
        authorization=said.authorization_type or "",
        kind=said.application_type or "",
        info=said.info or "",
        logo=said.logo,
        installable=said.is_installable is not False,
        methods=tuple(said.sync_methods),
    )


def installed_of(worker: str, user: str, said: Installed) -> model.InstalledApplication:
    """Return how the application is installed."""
    forms = said.forms.values() if isinstance(said.forms, dict) else said.forms or ()
    return model.InstalledApplication(
        application=application_of(worker, said),
        user=user,
        enabled=bool(said.enabled),
        authorized=bool(said.authorized),
        forms=tuple(_form(form) for form in forms),
        events=tuple(
            model.ApplicationEvent(
                name=event.name,
                enabled=event.enabled is True,
                is_default=event.default is True,
                process=event.topology or "",
            )
            for event in said.events or ()
        ),
        actions=tuple(
            model.CustomAction(
                name=action.name,
                action=action.action,
                url=action.url,
                body=action.body,
                process=action.process,
                node=action.node,
            )
            for action in said.actions or ()
        ),
    )


def _form(said: Form) -> model.SettingsForm:
    return model.SettingsForm(
        key=said.key,
        name=said.public_name or said.key,
        description=said.description or "",
        read_only=said.read_only is True,
        fields=tuple(_field(each) for each in said.fields or ()),
    )


def _field(said: Field) -> model.SettingsField:
    choices = list(said.choices.values()) if isinstance(said.choices, dict) else said.choices or []
    # A worker that gave a password away is not passed on.
    value = bool(said.value) if said.type == "password" else said.value
    return model.SettingsField(
        key=said.key,
        type=said.type,
        label=said.label or said.key,
        description=said.description or "",
        value=value,
        required=said.required is True,
        read_only=said.read_only is True,
        disabled=said.disabled is True,
        choices=tuple(choices),
    )
