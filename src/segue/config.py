"""Settings, and where each of them comes from.

The later of these wins: the default, the file `segue.toml` in the data folder, the environment (`SEGUE_` and the name
in capitals), the command line. `segue config` prints every setting with its origin.
"""

from __future__ import annotations

import os
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from segue.core.log_lines import HIDDEN_FIELDS
from segue.model.errors import Invalid

CONFIG_FILE = "segue.toml"
_ENVIRONMENT = "SEGUE_"
# Names in the environment that begin like settings and are none: marks of the test set-up.
_NO_SETTINGS = {"SEGUE_CI", "SEGUE_SEEDS"}
_MASK = "********"


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting. Sizes are in MiB where the name ends in `_mb`, durations in seconds where it ends in `_s`."""

    data: Annotated[str, Meta(min_length=1, description="folder of the store, the key and segue.toml")] = "segue-data"
    store: Annotated[
        str,
        Meta(
            description="the store: empty for the data folder's own, else the URL of a database (postgresql://...), or"
            " a file whose first line is one",
            extra={"secret": True},
        ),
    ] = ""
    store_password_file: Annotated[
        str, Meta(description="file whose first line is the password of the store's database")
    ] = ""
    store_connections: Annotated[
        int,
        Meta(ge=1, le=100, description="connections to the store's database for reading; the data path has 4 more"),
    ] = 4
    store_wait_s: Annotated[
        int,
        Meta(ge=0, le=3600, description="how long a start waits for a store's database that is away or not ready"),
    ] = 30
    broker: Annotated[
        str,
        Meta(
            description="RabbitMQ beside a store that is a database: empty for none, else its URL (amqp://... or"
            " amqps://...), or a file whose first line is one",
            extra={"secret": True},
        ),
    ] = ""
    broker_password_file: Annotated[str, Meta(description="file whose first line is the password of the broker")] = ""
    broker_prefix: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{1,40}$",
            description="what the names of queues at the broker begin with; another one for each installation on it",
        ),
    ] = "segue"
    broker_deliveries: Annotated[
        int, Meta(ge=2, le=10_000, description="how often the broker may give out a message before it goes to trash")
    ] = 20
    host: Annotated[str, Meta(min_length=1, description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="port to listen on; 0 takes a free one")] = 8080
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least severe lines written to stderr")
    ] = "info"
    log_lines: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="least severe lines about messages that are kept; a process may have another level"),
    ] = "info"
    log_hidden: Annotated[
        str, Meta(description="fields whose values are hidden in lines about messages, separated by blanks; * as usual")
    ] = " ".join(HIDDEN_FIELDS)
    log_kept: Annotated[int, Meta(ge=1_000, description="lines about messages that are kept; older ones go")] = (
        1_000_000
    )
    log_sinks: Annotated[
        str,
        Meta(
            description="addresses that lines about messages are sent to, separated by blanks", extra={"secret": True}
        ),
    ] = ""
    max_body_mb: Annotated[int, Meta(ge=1, le=1024, description="largest body of a request")] = 16
    max_wait_s: Annotated[int, Meta(ge=1, le=3600, description="longest wait a start request may ask for")] = 60
    grace_s: Annotated[
        float, Meta(ge=0, le=3600, description="time for calls in flight to finish when the server stops")
    ] = 6.0
    backlog: Annotated[int, Meta(ge=1, description="live messages of a version at which starts are refused")] = (
        5_000_000
    )
    pending_writes: Annotated[
        int, Meta(ge=1, description="writes waiting for the disk at which starts are refused")
    ] = 20_000
    free_disk_mb: Annotated[int, Meta(ge=0, description="free disk space below which starts are refused")] = 64
    queue_too_long: Annotated[
        int, Meta(ge=0, description="ready messages from which on a queue is told of as too long; 0: never")
    ] = 100_000
    queue_too_old_s: Annotated[
        int,
        Meta(ge=0, description="age (s) of its oldest message from which on a queue is told of as too old; 0: never"),
    ] = 3_600
    history_body_kb: Annotated[
        int, Meta(ge=0, le=16_384, description="largest body (KiB) kept in the history of an instance; 0 keeps none")
    ] = 16
    retention_days: Annotated[
        int, Meta(ge=0, description="days after which finished instances are removed; 0 keeps them")
    ] = 30
    metrics_minute_days: Annotated[
        int, Meta(ge=0, description="days for which figures of minutes are kept; 0: ever")
    ] = 2
    metrics_hour_days: Annotated[int, Meta(ge=0, description="days for which figures of hours are kept; 0: ever")] = 90
    metrics_day_days: Annotated[int, Meta(ge=0, description="days for which figures of days are kept; 0: ever")] = 1100
    worker_connections: Annotated[int, Meta(ge=1, le=65_535, description="connections to one worker address")] = 256
    worker_reply_mb: Annotated[int, Meta(ge=1, le=1024, description="largest answer of a worker")] = 64
    worker_ca: Annotated[str, Meta(description="PEM file of authorities to trust for workers besides the system's")] = (
        ""
    )
    sender_ca: Annotated[
        str, Meta(description="PEM file of authorities to trust for senders of notices besides the system's")
    ] = ""
    compat: Annotated[
        Literal["orchesty", "none"], Meta(description="platform whose routes for workers and starts are served as well")
    ] = "orchesty"
    otlp_endpoint: Annotated[
        str, Meta(description="base address of an OpenTelemetry collector (OTLP over HTTP); empty: none")
    ] = ""
    otlp_headers: Annotated[
        str,
        Meta(description="header fields for it: name=value, with commas between", extra={"secret": True}),
    ] = ""
    roles: Annotated[str, Meta(description="what this process does, of: api, control, timers, status")] = (
        "api,control,timers,status"
    )
    deployer: Annotated[
        Literal["inline", "process", "docker"],
        Meta(description="how control services run, where a process does not say"),
    ] = "inline"
    docker_host: Annotated[
        str,
        Meta(
            description="engine that runs control services in containers (unix:///var/run/docker.sock, or"
            " tcp://host:2376 with docker_certs); empty: none is talked to"
        ),
    ] = ""
    docker_certs: Annotated[
        str, Meta(description="folder with ca.pem, cert.pem and key.pem for an engine that is reached over TCP")
    ] = ""
    docker_image: Annotated[str, Meta(min_length=1, description="image of the containers; it has to be there")] = (
        "segue:latest"
    )
    docker_name: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9][a-z0-9-]{0,30}$",
            description="begins the names of the containers; another one for each process that uses the same engine",
        ),
    ] = "segue"
    docker_network: Annotated[
        str, Meta(description="network of the containers, of those that the engine has; empty: its default")
    ] = ""
    docker_store: Annotated[
        str,
        Meta(
            description="the store's URL as containers reach it, where it is another than store", extra={"secret": True}
        ),
    ] = ""
    docker_memory_mb: Annotated[int, Meta(ge=0, description="memory (MiB) of a container at most; 0: no limit")] = 1024
    docker_cpus: Annotated[float, Meta(ge=0, le=1024, description="cores for a container at most; 0: no limit")] = 0.0
    docker_restart: Annotated[
        Literal["unless-stopped", "always", "on-failure", "no"],
        Meta(description="when the engine starts a container again by itself"),
    ] = "unless-stopped"
    docker_log_mb: Annotated[
        int,
        Meta(ge=0, description="size (MiB) of a container's log, which json-file keeps; 0: as the engine is set up"),
    ] = 10
    url: Annotated[str, Meta(min_length=1, description="server that the client commands talk to")] = (
        "http://127.0.0.1:8080"
    )
    token: Annotated[str, Meta(description="token of the client commands", extra={"secret": True})] = ""


class Setting(Struct, frozen=True, kw_only=True):
    """One setting as it holds now. `origin` says who decided; a secret's value is masked unless it is empty."""

    name: str
    value: object
    origin: str
    about: str


class Configuration(Struct, frozen=True, kw_only=True):
    """The settings, each with its origin, and what looked like a setting and was none."""

    settings: Settings
    listed: tuple[Setting, ...]
    warnings: tuple[str, ...] = ()


class _Field(Struct, frozen=True):
    name: str
    type: Any
    about: str
    secret: bool


def _fields() -> list[_Field]:
    hints = typing.get_type_hints(Settings, include_extras=True)
    found = []
    for name in Settings.__struct_fields__:
        meta: Meta = typing.get_args(hints[name])[1]
        secret = bool((meta.extra or {}).get("secret"))
        found.append(_Field(name, hints[name], meta.description or "", secret))
    return found


def load(
    *, flags: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None, file: bool = True
) -> Configuration:
    """Read all sources. `flags` are what the command line gave (None values are left out).

    Raises Invalid naming the setting, its origin and what is wrong with it.
    """
    fields = {field.name: field for field in _fields()}
    defaults = Settings()
    values: dict[str, object] = {name: getattr(defaults, name) for name in fields}
    origins = dict.fromkeys(fields, "default")
    given, warnings = _from_environment(os.environ if environment is None else environment, fields)
    layers = [("environment {}", given), ("command line", _from_flags(flags or {}, fields))]
    folder = layers[1][1].get("data", given.get("data", defaults.data))
    if file:
        path = Path(str(folder)) / CONFIG_FILE
        layers.insert(0, (f"file {path}", _from_file(path, fields)))
    for origin, layer in layers:
        for name, value in layer.items():
            where = origin.format(_ENVIRONMENT + name.upper())
            values[name] = _checked(fields[name], value, where)
            origins[name] = where
    listed = tuple(
        Setting(name=name, value=_shown(field, values[name]), origin=origins[name], about=field.about)
        for name, field in fields.items()
    )
    return Configuration(settings=msgspec.convert(values, Settings), listed=listed, warnings=tuple(warnings))


def _shown(field: _Field, value: object) -> object:
    return _MASK if field.secret and value else value


def _checked(field: _Field, value: object, origin: str) -> object:
    # The environment knows texts only; a file and the command line say what type they mean.
    try:
        return msgspec.convert(value, field.type, strict=not origin.startswith("environment"))
    except msgspec.ValidationError as error:
        shown = _MASK if field.secret else repr(value)
        raise Invalid(f"Setting {field.name} ({origin}) is {shown}: {error}") from None


def _from_flags(flags: Mapping[str, object], fields: Mapping[str, _Field]) -> dict[str, object]:
    given = {name: value for name, value in flags.items() if value is not None}
    unknown = sorted(given.keys() - fields.keys())
    if unknown:
        raise Invalid(f"Unknown setting on the command line: {', '.join(unknown)}")
    return given


def _from_environment(
    environment: Mapping[str, str], fields: Mapping[str, _Field]
) -> tuple[dict[str, object], list[str]]:
    given: dict[str, object] = {}
    warnings = []
    for key in sorted(environment):
        if not key.startswith(_ENVIRONMENT) or key in _NO_SETTINGS:
            continue
        name = key.removeprefix(_ENVIRONMENT).lower()
        if name in fields:
            given[name] = environment[key]
        else:
            warnings.append(f"{key} in the environment is no setting of Segue and has no effect")
    return given, warnings


def _from_file(path: Path, fields: Mapping[str, _Field]) -> dict[str, object]:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}") from None
    unknown = sorted(given.keys() - (fields.keys() - {"data"}))
    if "data" in unknown:
        raise Invalid(f"{path} sets data, which says where this file is; give it as --data or {_ENVIRONMENT}DATA")
    if unknown:
        raise Invalid(f"{path} has unknown settings: {', '.join(unknown)}. Known are: {', '.join(sorted(fields))}")
    return given
