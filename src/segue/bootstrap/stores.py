"""Which store stands behind the ports: the data folder's own, or a database that the setting `store` names."""

from __future__ import annotations

from pathlib import Path

from segue.adapters.clock import SystemClock
from segue.adapters.postgres.address import Address, read_address
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.adapters.secrets_file import FileSecrets
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.store import SqliteStore
from segue.bootstrap.offline import make_folder
from segue.config import Settings
from segue.model.errors import Invalid
from segue.ports.outside import Clock, Secrets
from segue.ports.store import Store

_MIB = 1 << 20


async def open_store(settings: Settings) -> Store:
    """Open the store. The data folder is made if need be: it holds the key of what is stored encrypted, in any case.

    Raises DataFolderInUse, StoreUnavailable, and Invalid for a setting that makes no sense.
    """
    folder = make_folder(Path(settings.data))
    clock, secrets = SystemClock(), FileSecrets(folder)
    if settings.broker and not settings.store:
        raise Invalid("broker needs a store that is a database: set store, too (--store postgresql://...)")
    if not settings.store:
        return SqliteStore.open(folder, clock=clock, secrets=secrets, settings=_embedded(settings))
    address = read_address(settings.store, settings.store_password_file)
    if settings.broker:
        return await _brokered(address, clock, secrets, settings)
    return await PostgresStore.open(address, clock=clock, secrets=secrets, settings=_shared(settings))


async def _brokered(address: Address, clock: Clock, secrets: Secrets, settings: Settings) -> Store:
    """The store in a database with a broker beside it. Imported here only: it needs an extra."""
    from segue.adapters.postgres.asking import BrokerSettings  # noqa: PLC0415
    from segue.adapters.postgres.brokered import BrokeredStore  # noqa: PLC0415
    from segue.adapters.rabbitmq.address import read_address as read_broker  # noqa: PLC0415

    try:
        from segue.adapters.rabbitmq.broker import RabbitBroker  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "pika":
            raise
        raise Invalid("broker needs the extra: pip install 'segue[rabbitmq]'") from None
    return await BrokeredStore.open_with(
        address,
        RabbitBroker(read_broker(settings.broker, settings.broker_password_file)),
        clock=clock,
        secrets=secrets,
        settings=_shared(settings),
        tickets=BrokerSettings(prefix=settings.broker_prefix, deliveries=settings.broker_deliveries),
    )


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
