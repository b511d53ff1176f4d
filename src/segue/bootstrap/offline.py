"""What the command line does in a data folder itself, whether a server runs on it or not."""

from __future__ import annotations

import getpass
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

from segue.adapters.chance import SystemChance
from segue.adapters.clock import SystemClock
from segue.adapters.sql import audit as auditing
from segue.adapters.sqlite.beside import Beside
from segue.adapters.sqlite.file import FILE
from segue.config import CONFIG_FILE
from segue.control.activities import Activities
from segue.control.tokens import NewToken, Tokens
from segue.control.users import Users
from segue.model.errors import Conflict, Invalid
from segue.ports.catalog import User

_KEY_FILE = "segue.key"
_ALL = 1_000_000


def make_folder(data: Path) -> Path:
    """The data folder, made for its owner alone if it is not there. Raises Invalid."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"The data folder {data} cannot be made: {error.strerror}") from None
    return data


async def create_token(data: Path, name: str, scopes: tuple[str, ...]) -> NewToken:
    """Make a token in a data folder, which is made if need be."""
    store = _made(data)
    made = await Tokens(store, SystemClock(), SystemChance()).create(name, scopes)
    await _note(store, "create-token", name, scopes=", ".join(scopes))
    return made


async def list_tokens(data: Path) -> list[dict[str, Any]]:
    """The tokens of a data folder as the API shows them."""
    found = (await _tokens(data).find(None, _ALL)).items
    return [{key: value for key, value in msgspec.structs.asdict(token).items() if key != "digest"} for token in found]


async def revoke_token(data: Path, id: str) -> None:
    """Revoke a token of a data folder. Raises NotFound."""
    await _tokens(data).revoke(id)
    await _note(Beside(data), "revoke-token", id)


async def create_user(data: Path, email: str, password: str, scopes: tuple[str, ...]) -> User:
    """Make a user in a data folder, which is made if need be."""
    store = _made(data)
    made = await Users(store, SystemClock(), SystemChance()).create(email, password, scopes)
    await _note(store, "create-user", made.email, scopes=", ".join(scopes))
    return made


async def list_users(data: Path) -> list[dict[str, Any]]:
    """The users of a data folder, without their passwords."""
    found = await Beside(data).users()
    return [{key: value for key, value in msgspec.structs.asdict(user).items() if key != "password"} for user in found]


def backup(data: Path, target: Path) -> int:
    """Copy a data folder into the new folder `target`, whole or not at all; the bytes copied. Raises Conflict."""
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


def audit(data: Path) -> dict[str, Any]:
    """Prove the ledger of a data folder from its rows, as the API shows it."""
    found = Beside(data).read(lambda: auditing.audit(SystemClock().now()))
    versions = [{**msgspec.structs.asdict(line), "balanced": line.balanced} for line in found.versions]
    return {"balanced": found.balanced, "versions": versions, "faults": list(found.faults)}


def _made(data: Path) -> Beside:
    """The store of a data folder; both are made if need be."""
    beside = Beside(make_folder(data))
    beside.make()
    return beside


async def _note(store: Beside, action: str, about: str, **detail: object) -> None:
    """Note in the activity log what the person at this machine did."""
    by = f"{getpass.getuser()} at the command line"
    await Activities(store, SystemClock()).note(by, action, kind="command", about=about, detail=detail)


def _tokens(data: Path) -> Tokens:
    return Tokens(Beside(data), SystemClock(), SystemChance())
