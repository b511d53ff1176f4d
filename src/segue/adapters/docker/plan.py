"""What a container of a control service is: its image, limits, labels, and the files with its settings."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import tarfile
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from segue.model.versions import Version

USER = 10_001
"""The user of the image, by number, so that files can be made for it without looking into the image."""

FOLDER = "/data"
ALIVE = "/dev/shm/segue-alive"  # noqa: S108 - in the container, where nobody else is
_SECOND = 1_000_000_000
_MIB = 1 << 20
_INSTALLATION, _DEPLOYER, _VERSION = "segue.installation", "segue.deployer", "segue.version-id"
_FINGERPRINT = "segue.fingerprint"
_CHECK = f'test "$(($(date +%s) - $(stat -c %Y {ALIVE})))" -lt 15'


class Plan(Struct, frozen=True, kw_only=True):
    """What all containers of this installation and this deployer have in common.

    `files` are those of the data folder by name, secrets among them; `key` is known to the installation alone. `name`
    tells this deployer from others of the installation that use the same engine. 0 is no limit.
    """

    files: Mapping[str, bytes]
    key: bytes
    image: str
    name: str = "segue"
    network: str = ""
    memory_mb: int = 0
    cpus: float = 0.0
    restart: str = "unless-stopped"
    log_mb: int = 0
    grace_s: int = 6

    def __repr__(self) -> str:
        """Never the files."""
        return f"Plan({self.name!r}, {self.image!r})"

    @property
    def installation(self) -> str:
        """Names the installation, and tells nothing of its key."""
        return hmac.new(self.key, b"installation", hashlib.sha256).hexdigest()[:16]

    @property
    def labels(self) -> dict[str, str]:
        """The labels by which this deployer finds its containers again."""
        return {_INSTALLATION: self.installation, _DEPLOYER: self.name}

    def fingerprint(self, image_id: str) -> str:
        """Two containers with one fingerprint are the same in everything that decides how they work.

        It is keyed: settings cannot be guessed from it.
        """
        parts = [image_id, json.dumps(self._common(), sort_keys=True)]
        whole = [part.encode() for part in parts] + [b"\0".join(pair) for pair in self._sorted()]
        return hmac.new(self.key, b"\0\0".join(whole), hashlib.sha256).hexdigest()[:16]

    def container_name(self, version: Version, chance: str) -> str:
        """A name for people, which no other container has."""
        return f"{self.name}-{_slug(version.process)}-v{version.number}-{chance}"

    def container(self, version: Version, name: str, image_id: str) -> dict[str, Any]:
        """The body of the request that makes the container."""
        labels = {
            **self.labels,
            _VERSION: str(version.id),
            _FINGERPRINT: self.fingerprint(image_id),
            "segue.process": version.process,
            "segue.version": str(version.number),
        }
        command = ["control-service", "--version", str(version.id), "--container", name]
        return {**self._common(), "Cmd": command, "Labels": labels}

    def archive(self) -> bytes:
        """The data folder as a tar archive, for nobody but the user of the image."""
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w") as archive:
            folder = tarfile.TarInfo(".")
            folder.type, folder.mode = tarfile.DIRTYPE, 0o700
            folder.uid = folder.gid = USER
            archive.addfile(folder)
            for name, content in sorted(self.files.items()):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o400
                entry.uid = entry.gid = USER
                archive.addfile(entry, io.BytesIO(content))
        return written.getvalue()

    def _sorted(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode(), content) for name, content in sorted(self.files.items())]

    def _common(self) -> dict[str, Any]:
        """What does not depend on the version. Nothing secret stands in it: `inspect` shows all of it."""
        host: dict[str, Any] = {
            "RestartPolicy": {"Name": self.restart},
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": "size=64m,mode=1777"},  # noqa: S108 - in the container
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Mounts": [{"Type": "volume", "Target": FOLDER}],
        }
        if self.network:
            host["NetworkMode"] = self.network
        if self.memory_mb:
            host["Memory"] = host["MemorySwap"] = self.memory_mb * _MIB
        if self.cpus:
            host["NanoCpus"] = int(self.cpus * _SECOND)
        if self.log_mb:
            host["LogConfig"] = {"Type": "json-file", "Config": {"max-size": f"{self.log_mb}m"}}
        return {
            "Image": self.image,
            "User": f"{USER}:{USER}",
            "Env": [f"SEGUE_DATA={FOLDER}"],
            "StopSignal": "SIGTERM",
            "StopTimeout": self.grace_s + 3,
            "Healthcheck": {
                "Test": ["CMD-SHELL", _CHECK],
                "Interval": 10 * _SECOND,
                "Timeout": 5 * _SECOND,
                "Retries": 3,
                "StartPeriod": 60 * _SECOND,
            },
            "HostConfig": host,
        }


def version_of(found: Mapping[str, Any]) -> int | None:
    """The version that a container of a listing is for."""
    text = (found.get("Labels") or {}).get(_VERSION, "")
    return int(text) if text.isdecimal() else None


def fingerprint_of(found: Mapping[str, Any]) -> str:
    """The fingerprint that a container of a listing was made with."""
    return str((found.get("Labels") or {}).get(_FINGERPRINT, ""))


def name_of(found: Mapping[str, Any]) -> str:
    """The name of a container of a listing."""
    return str((found.get("Names") or ["?"])[0]).lstrip("/")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "process"
