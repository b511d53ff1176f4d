"""What goes over the wire about applications, installs and webhooks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from segue.api.schemas import In, Instant, Name, Out, Paged, Text

Key = Annotated[Text, Field(min_length=1, max_length=200)]
UserName = Annotated[Text, Field(min_length=1, max_length=100)]
Address = Annotated[Text, Field(min_length=1, max_length=2_000)]


class ApplicationOut(Out):
    """An application as its worker describes it; `methods` are left empty in lists."""

    worker: str
    key: str
    name: str
    description: str
    authorization: str
    kind: str
    info: str
    logo: str | None
    installable: bool
    methods: list[str]


class ApplicationsOut(Out):
    """All applications, and the workers that could not be asked, each with what was wrong."""

    items: list[ApplicationOut]
    troubles: dict[str, str]


class InstallOut(Out):
    """That an application is installed for a user. `expires`: when its authorization ends."""

    id: str
    application: str
    worker: str
    user: str
    enabled: bool
    expires: Instant | None
    created: Instant
    updated: Instant


class FieldOut(Out):
    """A field of a form; the value of a password is true when there is one."""

    key: str
    type: str
    label: str
    description: str
    value: Any
    required: bool
    read_only: bool
    disabled: bool
    choices: list[Any]


class FormOut(Out):
    """A form of settings."""

    key: str
    name: str
    description: str
    read_only: bool
    fields: list[FieldOut]


class EventOut(Out):
    """Something that happens in the application, and the process that it starts, "" for none."""

    name: str
    enabled: bool
    is_default: bool
    process: str


class CustomActionOut(Out):
    """Something more that a person can do: `open` an address, or `call` one, or start a process at a node."""

    name: str
    action: str
    url: str | None
    body: str | None
    process: str | None
    node: str | None


class InstalledOut(Out):
    """An application as it is installed for a user."""

    application: ApplicationOut
    user: str
    enabled: bool
    authorized: bool
    forms: list[FormOut]
    events: list[EventOut]
    actions: list[CustomActionOut]


class InstallIn(In):
    """What is to be installed; without a user it is for nobody in particular."""

    worker: Name
    application: Key
    user: UserName | None = None


class InstallQuery(Paged):
    """Which installs to list."""

    worker: Name | None = None
    application: Key | None = None
    user: UserName | None = None


class SettingsIn(In):
    """Values of fields by form."""

    settings: dict[Key, dict[Key, Any]]


class PasswordFieldIn(In):
    """A password, and the field that it belongs to."""

    form: Key
    field: Key
    password: Annotated[Text, Field(min_length=1, max_length=10_000)]


class InstallStateIn(In):
    """Whether processes may use it."""

    enabled: bool


class AuthorizeIn(In):
    """Where the browser shall end: a path of ours, or with a token any address."""

    back: Address


class AuthorizeOut(Out):
    """Where to send the browser."""

    url: str


class MethodIn(In):
    """What a method is asked with; null asks without a body."""

    body: Any = None


class MethodOut(Out):
    """What a method answered: `value` when that is JSON, else `text`; bytes that are no UTF-8 are replaced."""

    status: int
    media_type: str
    value: Any = None
    text: str | None = None


class ActionIn(In):
    """With what a custom action starts its process; null leaves it to the application."""

    body: Annotated[Text, Field(max_length=1_000_000)] | None = None


class ActionStartedOut(Out):
    """What a custom action started."""

    instance: str
    process: str
    version: int


class EventIn(In):
    """The process that an event shall start, and the node; null leaves it to the application."""

    process: Name
    node: Key | None = None


class WebhookOut(Out):
    """A webhook. `signed`: deliveries have to be signed. `given_up`: the other system could not be told to stop."""

    id: str
    name: str
    process: str
    node: str
    user: str
    application: str
    worker: str
    origin: Literal["worker", "person"]
    enabled: bool
    signed: bool
    given_up: bool
    created: Instant


class WebhookIn(In):
    """A webhook to be made; without a node it starts the default one."""

    name: Name
    process: Name
    node: Key | None = None
    user: UserName | None = None
    signed: bool = False


class NewWebhookOut(Out):
    """A webhook just made: the path to deliver to, and the key of signatures. Neither can be had again."""

    webhook: WebhookOut
    path: str
    signing_secret: str | None


class WebhookChangeIn(In):
    """What to change. `secret` is the key of signatures that the sender has; without it one is made."""

    enabled: bool | None = None
    signed: bool | None = None
    secret: Annotated[Text, Field(max_length=200)] | None = None


class ChangedWebhookOut(Out):
    """A webhook after a change; `signing_secret` is a key just made, which cannot be had again."""

    webhook: WebhookOut
    signing_secret: str | None


class WebhookQuery(Paged):
    """Which webhooks to list."""

    process: Name | None = None
    application: Key | None = None


class DeliveryOut(Out):
    """One call of a webhook: what came of it. `message_id` is what the sender calls it."""

    id: str
    at: Instant
    method: str
    sender: str
    size: int
    status: int
    outcome: Literal["accepted", "repeated", "answered", "refused"]
    detail: str
    message_id: str
    instance: str | None
