"""Applications: the systems that a worker knows how to be set up for, and what setting one up for a user takes."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Application(Struct, frozen=True, kw_only=True):
    """An application as its worker describes it. `worker` is the name of the worker.

    `authorization` is how it is authorized (`basic`, `oauth`, `oauth2`), `kind` whether it has events of its own
    (`webhook`) or is asked (`cron`). `logo` is a data URI. `methods` are what can be asked of it (not in lists).
    """

    worker: str
    key: str
    name: str
    description: str = ""
    authorization: str = ""
    kind: str = ""
    info: str = ""
    logo: str | None = None
    installable: bool = True
    methods: tuple[str, ...] = ()


class SettingsField(Struct, frozen=True, kw_only=True):
    """One field of a form. `type` is `text`, `number`, `url`, `password`, `selectbox`, `multiselect` or `checkbox`.

    The value of a password is true when there is one, and never the password.
    """

    key: str
    type: str
    label: str = ""
    description: str = ""
    value: Any = None
    required: bool = False
    read_only: bool = False
    disabled: bool = False
    choices: tuple[Any, ...] = ()


class SettingsForm(Struct, frozen=True, kw_only=True):
    """A form of settings."""

    key: str
    name: str = ""
    description: str = ""
    read_only: bool = False
    fields: tuple[SettingsField, ...] = ()


class ApplicationEvent(Struct, frozen=True, kw_only=True):
    """Something that happens in an application and can start a process: the one it starts now, if it does."""

    name: str
    enabled: bool = False
    is_default: bool = False
    process: str = ""


class CustomAction(Struct, frozen=True, kw_only=True):
    """Something more that a person can do with an installed application.

    `action` is `open` (an address) or `call` (an address, or the start of a process at a node).
    """

    name: str
    action: str
    url: str | None = None
    body: str | None = None
    process: str | None = None
    node: str | None = None


class InstalledApplication(Struct, frozen=True, kw_only=True):
    """An application as it is installed for a user."""

    application: Application
    user: str
    enabled: bool
    authorized: bool
    forms: tuple[SettingsForm, ...] = ()
    events: tuple[ApplicationEvent, ...] = ()
    actions: tuple[CustomAction, ...] = ()


class MethodAnswer(Struct, frozen=True, kw_only=True):
    """What a method of an application answered, as it came. `media_type` is what the worker wrote."""

    status: int
    media_type: str
    body: bytes
