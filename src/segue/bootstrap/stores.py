"""Which store stands behind the ports: the data folder's own, or a database that the setting `store` names."""

from __future__ import annotations

from pathlib import Path

from segue.adapters.clock import SystemClock
from segue.adapters.postgres.address import read_address
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.adapters.secrets_file import FileSecrets
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.store import SqliteStore
from segue.bootstrap.offline import make_folder
from segue.config import Settings
from segue.ports.store import Store

_MIB = 1 << 20


async def open_store(settings: Settings) -> Store:
    """Open the store. The data folder is made if need be: it holds the key of what is stored encrypted, in any case.

    Raises DataFolderInUse, StoreUnavailable, and Invalid for a setting that makes no sense.
    """
    folder = make_folder(Path(settings.data))
    clock, secrets = SystemClock(), FileSecrets(folder)
    if not settings.store:
        return SqliteStore.open(folder, clock=clock, secrets=secrets, settings=_embedded(settings))
    address = read_address(settings.store, settings.store_password_file)
    return await PostgresStore.open(address, clock=clock, secrets=secrets, settings=_shared(settings))


def _embedded(settings: Settings) -> SqliteSettings:
    return SqliteSettings(
        max_live=settings.backlog,
        max_waiting=settings.pending_writes,
        min_free=settings.free_disk_mb * _MIB,
        history_bytes=_history_bytes(settings),
    )


def _history_bytes(settings: Settings) -> int:
    """The largest body that stays in the history; below 0 none does, not even an empty one."""
    return settings.history_body_kb * 1024 if settings.history_body_kb else -1


def _shared(settings: Settings) -> PostgresSettings:
    return PostgresSettings(
        max_live=settings.backlog,
        max_waiting=settings.pending_writes,
        readers=settings.store_connections,
        history_bytes=_history_bytes(settings),
    )
