"""What the command line does in a store itself, whether a server runs on it or not."""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from segue.adapters.chance import SystemChance
from segue.adapters.clock import SystemClock
from segue.adapters.postgres.address import read_address
from segue.adapters.postgres.beside import PostgresBeside
from segue.adapters.postgres.house import PostgresHouse
from segue.adapters.secrets_file import FileSecrets
from segue.adapters.sql.moving import move
from segue.adapters.sqlite.beside import Beside
from segue.adapters.sqlite.file import FILE
from segue.adapters.sqlite.house import SqliteHouse
from segue.config import CONFIG_FILE, Settings
from segue.control.activities import Activities
from segue.control.tokens import NewToken, Tokens
from segue.control.users import Users
from segue.model.errors import Conflict, Invalid
from segue.model.ledger import Audit
from segue.ports.catalog import User

_KEY_FILE = "segue.key"
_ALL = 1_000_000
_FOLDER = "sqlite:"


def make_folder(data: Path) -> Path:
    """The data folder, made for its owner alone if it is not there. Raises Invalid."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"The data folder {data} cannot be made: {error.strerror}") from None
    return data


async def create_token(settings: Settings, name: str, scopes: tuple[str, ...]) -> NewToken:
    """Make a token in a store, which is made if need be."""
    store = await _made(settings)
    made = await Tokens(store, SystemClock(), SystemChance()).create(name, scopes)
    await _note(store, "create-token", name, scopes=", ".join(scopes))
    return made


async def list_tokens(settings: Settings) -> list[dict[str, Any]]:
    """The tokens of a store as the API shows them."""
    found = (await _tokens(settings).find(None, _ALL)).items
    return [{key: value for key, value in msgspec.structs.asdict(token).items() if key != "digest"} for token in found]


async def revoke_token(settings: Settings, id: str) -> None:
    """Revoke a token of a store. Raises NotFound."""
    await _tokens(settings).revoke(id)
    await _note(_beside(settings), "revoke-token", id)


async def create_user(settings: Settings, email: str, password: str, scopes: tuple[str, ...]) -> User:
    """Make a user in a store, which is made if need be."""
    store = await _made(settings)
    made = await Users(store, SystemClock(), SystemChance()).create(email, password, scopes)
    await _note(store, "create-user", made.email, scopes=", ".join(scopes))
    return made


async def list_users(settings: Settings) -> list[dict[str, Any]]:
    """The users of a store, without their passwords."""
    found = await _beside(settings).users()
    return [{key: value for key, value in msgspec.structs.asdict(user).items() if key != "password"} for user in found]


def backup(settings: Settings, target: Path) -> int:
    """Copy a data folder into the new folder `target`, whole or not at all; the bytes copied. Raises Conflict, and
    Invalid when the store is a database, which has means of its own."""
    if settings.store:
        raise Invalid(
            "The store is a database: back it up with its own means (pg_dump), and copy the data folder's key"
        )
    data = Path(settings.data)
    source = Beside(data)
    if target.exists():
        raise Conflict(f"{target} is there already; name a folder that is not")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.mkdir(mode=0o700, parents=True)
        source.copy_to(draft / FILE)
        for name in (_KEY_FILE, CONFIG_FILE):
            if (data / name).exists():
                shutil.copy2(data / name, draft / name)
        draft.rename(target)
    except OSError as error:
        raise Invalid(f"The backup cannot be written to {target}: {error.strerror}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return sum(file.stat().st_size for file in target.iterdir())


async def migrate(settings: Settings, to: str, wait_s: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Move the store of the settings into another: `to` is the URL of a database (or a file that holds one), or
    sqlite:DIR. Raises Invalid, Conflict, NotFound, StoreUnavailable; the source is as it was then."""
    async with AsyncExitStack() as stack:
        source: SqliteHouse | PostgresHouse
        target: SqliteHouse | PostgresHouse
        if settings.store and to.startswith(_FOLDER):
            folder = Path(to.removeprefix(_FOLDER))
            source = await PostgresHouse.source(read_address(settings.store, settings.store_password_file))
            stack.push_async_callback(source.close)
            target = SqliteHouse.target(make_folder(folder))
            stack.callback(target.close)
            _take_key(Path(settings.data), folder)
        elif not settings.store and not to.startswith(_FOLDER):
            source = SqliteHouse.source(Path(settings.data))
            stack.callback(source.close)
            target = await PostgresHouse.target(read_address(to, settings.store_password_file))
            stack.push_async_callback(target.close)
        else:
            text = "A move goes from a data folder to a database (--to postgresql://…) or back"
            raise Invalid(f"{text} (--store postgresql://… --to {_FOLDER}DIR)")
        moved = await move(source, target, SystemClock(), wait_s, say)
    return {
        "rows_before": moved.rows_before,
        "rows_after": moved.rows_after,
        "stopped_s": moved.stopped_s,
        "before": _shown(moved.before),
        "after": _shown(moved.after),
    }


def _take_key(data: Path, folder: Path) -> None:
    """Have the new folder open what the old one sealed. Raises Conflict for a folder with another key."""
    old, new = data / _KEY_FILE, folder / _KEY_FILE
    if data.resolve() == folder.resolve() or not old.exists():
        return
    if not new.exists():
        shutil.copy2(old, new)
    elif new.read_bytes() != old.read_bytes():
        raise Conflict(f"{new} is another key than {old}, and could not open what was sealed with that")


async def audit(settings: Settings) -> dict[str, Any]:
    """Prove the ledger of a store from its rows, as the API shows it."""
    return _shown(await _beside(settings).audit(SystemClock().now()))


def _shown(found: Audit) -> dict[str, Any]:
    versions = [{**msgspec.structs.asdict(line), "balanced": line.balanced} for line in found.versions]
    return {"balanced": found.balanced, "versions": versions, "faults": list(found.faults)}


def _beside(settings: Settings) -> Beside | PostgresBeside:
    """The store as it is. Raises Invalid."""
    data = Path(settings.data)
    if not settings.store:
        return Beside(data)
    address = read_address(settings.store, settings.store_password_file)
    return PostgresBeside(address, SystemClock(), FileSecrets(make_folder(data)))


async def _made(settings: Settings) -> Beside | PostgresBeside:
    """The store, made if need be."""
    make_folder(Path(settings.data))
    beside = _beside(settings)
    if isinstance(beside, PostgresBeside):
        await beside.make()
    else:
        beside.make()
    return beside


async def _note(store: Beside | PostgresBeside, action: str, about: str, **detail: object) -> None:
    """Note in the activity log what the person at this machine did."""
    by = f"{getpass.getuser()} at the command line"
    await Activities(store, SystemClock()).note(by, action, kind="command", about=about, detail=detail)


def _tokens(settings: Settings) -> Tokens:
    return Tokens(_beside(settings), SystemClock(), SystemChance())
