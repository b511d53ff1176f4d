"""The schema of a database: made when there is none, brought forward when it is older, refused when it is newer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.adapters import sql
from segue.adapters.postgres.address import Address
from segue.adapters.postgres.connect import Connection, check_server, connect_unhurried
from segue.adapters.postgres.holders import older_than
from segue.adapters.postgres.locks import SCHEMA, WORK
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.trouble import ERRORS, is_passing, is_worth_again, unavailable
from segue.adapters.sql.moving import refuse_moved
from segue.adapters.sql.revisions import FACT, lets_in, oldest_of, said_of
from segue.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from alembic.script import Script
    from sqlalchemy import Connection as Through

log = logging.getLogger(__name__)

FOLDER = Path(sql.__file__).parent / "migrations"

_LOCK_MS = 2_000
_ATTEMPTS = 60
_PAUSE_S = 1.0

# Which sequence numbers which rows: the number given last is at least the highest one there.
_NUMBERS = {
    "message_number": (
        "SELECT greatest((SELECT max(seq) FROM message), (SELECT max(seq) FROM step), (SELECT max(seq) FROM measure))"
    ),
    "instance_number": "SELECT max(num) FROM instance",
    "event_number": "SELECT max(seq) FROM event",
    "log_number": "SELECT max(seq) FROM log",
    "queue_number": "SELECT max(id) FROM queue",
}


def newest() -> str:
    """The revision that this code works on: the newest of the migrations."""
    return max(path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*.py"))


async def bring_up_to_date(address: Address, settings: PostgresSettings) -> None:
    """Make the schema what this version of Segue expects; one process does so at a time, others work meanwhile.

    A newer schema that lets this code go on is left as it is.

    Raises StoreUnavailable for a database that is newer, holds tables of others, or cannot be brought forward; it is as
    it was then.
    """
    connection = await connect_unhurried(address, settings, Connection)
    try:
        await check_server(connection, address)
        refuse_moved(address.shown, await mark(connection))
        wanted = newest()
        if await revision_of(connection, address) == wanted:
            return
        await connection.execute(f"SELECT pg_advisory_lock({SCHEMA})")
        found = await revision_of(connection, address)
        if found is not None and found > wanted:
            await check_newer(connection, address, found)
            return
        for _ in range(_ATTEMPTS):
            if found == wanted or await _migrate(connection, address, settings, found, wanted):
                return
            await asyncio.sleep(_PAUSE_S)
        text = f"{address.shown} could not be brought from schema {found} to {wanted}: others were at its tables"
        raise StoreUnavailable(f"{text} each time ({_ATTEMPTS} times); start again when less is going on")
    except ERRORS as error:
        raise unavailable(error, address) from error
    finally:
        connection.terminate()


async def revision_of(connection: Connection, address: Address) -> str | None:
    """Return the revision of the schema; None when there is nothing yet. Raises StoreUnavailable."""
    text = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    tables = {row[0] for row in await connection.fetch(text)}
    if not tables:
        return None
    found = await connection.fetchval("SELECT value FROM fact WHERE name = 'revision'") if "fact" in tables else None
    if found is None:
        raise StoreUnavailable(f"{address.shown} holds tables that are none of Segue's; give it a database of its own")
    return str(found)


async def check_newer(connection: Connection, address: Address, found: str) -> None:
    """Raises StoreUnavailable for a newer schema that does not let this code go on."""
    oldest = await connection.fetchval("SELECT value FROM fact WHERE name = $1", FACT)
    if not lets_in(newest(), oldest):
        detail = f"{address.shown} was written by a newer Segue (schema {found}, this one knows {newest()})"
        raise StoreUnavailable(f"{detail}: start that version")
    log.warning("%s", said_of(address.shown, found, newest()))


async def mark(connection: Connection) -> str | None:
    """Where everything of a database was moved to, or that a move goes on; None in most cases."""
    if await connection.fetchval("SELECT to_regclass('fact')") is None:
        return None
    found = await connection.fetchval("SELECT value FROM fact WHERE name = 'moved'")
    return None if found is None else str(found)


async def set_numbers(connection: Connection) -> None:
    """Have all numbers go on after the rows that are there: after rows were copied from another store."""
    for sequence, highest in _NUMBERS.items():
        await connection.execute(f"SELECT setval('{sequence}', greatest(1, ({highest})))")


async def _migrate(
    connection: Connection, address: Address, settings: PostgresSettings, found: str | None, wanted: str
) -> bool:
    """Take the steps in one transaction. False when others were at the tables for too long: nothing has changed then.

    What works on the tables goes on up to the moment at which they are changed, and waits for that, no longer than
    _LOCK_MS: who waits for a table makes all wait who come after it.
    """
    # Imported here only: a server whose schema is current starts without them.
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    steps = _steps(found, wanted)
    oldest = oldest_of(step.module for step in _steps(None, wanted))
    if found is not None:
        log.warning("Bringing %s from schema %s to %s", address.shown, found, wanted)

    async def creator() -> Any:
        return await connect_unhurried(address, settings, Connection)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=creator, poolclass=NullPool)
    try:
        async with engine.begin() as through:
            await through.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_MS}ms'")
            if found is not None and any(hasattr(step.module, "oldest") for step in steps):
                await through.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WORK})")  # nobody comes or commits
                await _refuse_old_code(connection, address, oldest, wanted)
            await through.run_sync(_run, steps, {"revision": wanted, FACT: oldest})
        return True
    except StoreUnavailable:
        raise
    except Exception as error:
        if any(map(is_worth_again, _causes(error))):
            return False
        if cut := next(filter(is_passing, _causes(error)), None):
            raise unavailable(cut, address) from error
        detail = f"{address.shown} could not be brought from schema {found} to {wanted} and is as it was ({error})"
        raise StoreUnavailable(
            f"{detail}. Start the version of Segue that it was used with, and report this"
        ) from error
    finally:
        await engine.dispose()


async def _refuse_old_code(connection: Connection, address: Address, oldest: str, wanted: str) -> None:
    """Raises StoreUnavailable while processes work on the database whose code cannot do so on the wanted schema."""
    if there := await older_than(connection, oldest):
        text = f"{', '.join(there)} work on {address.shown} with code from before schema {oldest}"
        raise StoreUnavailable(f"{text}, which cannot go on with {wanted}: replace them by the release between first")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of; the driver's own stands at the end."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _steps(found: str | None, wanted: str) -> Sequence[Script]:
    """The steps from a revision to another, first one first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory(str(FOLDER))
    return list(reversed(list(scripts.iterate_revisions(wanted, found or "base"))))


def _run(through: Through, steps: Sequence[Script], facts: Mapping[str, str]) -> None:
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    context = MigrationContext.configure(through, opts={"transactional_ddl": True})
    with Operations.context(context):
        for step in steps:
            step.module.upgrade()
    text = "INSERT INTO fact (name, value) VALUES ('{}', '{}') ON CONFLICT (name) DO UPDATE SET value = '{}'"
    for name, value in facts.items():
        through.exec_driver_sql(text.format(name, value, value))
