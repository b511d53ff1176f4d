"""What containers of control services are given: the settings of this process, and the files that these name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from segue.adapters.docker.deployer import DockerDeployer
from segue.adapters.docker.engine_api import EngineAddress, EngineApi
from segue.adapters.docker.plan import FOLDER, Plan
from segue.adapters.postgres.address import read_address
from segue.adapters.secrets_file import KEY_FILE
from segue.config import CONFIG_FILE, Settings
from segue.model.errors import Invalid
from segue.ports.deployer import Deployer
from segue.runtime.control_service import Surroundings

# What is of this process alone, or is of no use to a control service, or is written below.
_NOT_GIVEN = {
    "data", "roles", "host", "port", "url", "token", "deployer", "log_sinks", "store", "store_password_file",
}  # fmt: skip
# How settings end that name a file.
_OF_FILES = ("_ca", "_file")
_PASSWORD_FILE = "store-password"
# Parameters of a database's address that name files, and where libpq looks without them.
_FILES_OF_ADDRESS = {
    "sslrootcert": "root.crt",
    "sslcert": "postgresql.crt",
    "sslkey": "postgresql.key",
    "sslcrl": "root.crl",
    "passfile": "",
}


def docker_deployer(settings: Settings) -> Callable[[Surroundings], Deployer]:
    """Makes the deployer. Raises Invalid for an address or a file that makes no sense."""
    address = EngineAddress(settings.docker_host, settings.docker_certs)
    address.check()
    plan = container_plan(settings)

    def made(around: Surroundings) -> Deployer:
        api = EngineApi(address)
        return DockerDeployer(api, plan, clock=around.clock, chance=around.chance, herald=around.herald)

    return made


def container_plan(settings: Settings) -> Plan:
    """What the containers have in common. Raises Invalid."""
    files = _files(settings)
    return Plan(
        files=files,
        key=files[KEY_FILE],
        image=settings.docker_image,
        name=settings.docker_name,
        network=settings.docker_network,
        memory_mb=settings.docker_memory_mb,
        cpus=settings.docker_cpus,
        restart=settings.docker_restart,
        log_mb=settings.docker_log_mb,
        grace_s=int(settings.grace_s),
    )


def _files(settings: Settings) -> dict[str, bytes]:
    """The data folder of a container: settings, key, and what the settings name."""
    files = {KEY_FILE: _read(Path(settings.data) / KEY_FILE, "data")}
    given: dict[str, object] = {}
    defaults = Settings()
    for name in Settings.__struct_fields__:
        value = getattr(settings, name)
        if name in _NOT_GIVEN or name.startswith("docker_") or value == getattr(defaults, name):
            continue
        given[name] = _put(files, name, _read(Path(value), name)) if name.endswith(_OF_FILES) else value
    given |= _store(settings, files)
    lines = [f"{name} = {_toml(value)}\n" for name, value in sorted(given.items())]
    return files | {CONFIG_FILE: "".join(lines).encode()}


def _store(settings: Settings, files: dict[str, bytes]) -> dict[str, object]:
    """The store as a container reaches it; the password and what else is secret of it in files."""
    address = read_address(settings.docker_store or settings.store, settings.store_password_file)
    parts = urlsplit(address.url)
    named = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, usual in _FILES_OF_ADDRESS.items():
        path = Path(named[name]) if named.get(name) else Path.home() / ".postgresql" / usual
        if named.get(name) or (usual and path.is_file()):
            named[name] = _put(files, f"store-{name}", _read(path.expanduser(), f"store ({name})"))
    password = address.password or os.environ.get("PGPASSWORD")
    passfile = Path(os.environ.get("PGPASSFILE") or Path.home() / ".pgpass")
    if password is None and "passfile" not in named and passfile.is_file():
        named["passfile"] = _put(files, "store-passfile", _read(passfile, "PGPASSFILE"))
    url = urlunsplit(parts._replace(query=urlencode(named, quote_via=quote, safe="/")))
    if not password:
        return {"store": url}
    return {"store": url, "store_password_file": _put(files, _PASSWORD_FILE, password.encode() + b"\n")}


def _put(files: dict[str, bytes], name: str, content: bytes) -> str:
    files[name] = content
    return f"{FOLDER}/{name}"


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(
            f"{setting}: {path}, which containers are to be given, cannot be read: {error.strerror}"
        ) from None


def _toml(value: object) -> str:
    """A value of a setting in TOML, whose strings are written as in JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value)
