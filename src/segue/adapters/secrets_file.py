"""Secrets at rest: sealed with a key that lies in the data folder, readable for its owner only."""

from __future__ import annotations

import base64
import binascii
import logging
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from segue.model.errors import Invalid

KEY_FILE = "segue.key"
_PREFIX = "segue-key-1:"
_FORM = b"\x01"
_NONCE = 12

log = logging.getLogger(__name__)


class FileSecrets:
    """AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce for each sealed value.

    The first use in a data folder makes the key file with mode 0600. Whoever copies the folder without the key file
    has no secrets, and whoever loses the key file has lost them.
    """

    def __init__(self, folder: Path) -> None:
        self._cipher = AESGCM(_load_or_make(folder / KEY_FILE))

    def seal(self, plain: bytes) -> bytes:
        """`plain` encrypted and protected against change."""
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._cipher.encrypt(nonce, plain, _FORM)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises Invalid when it was sealed with another key or is damaged."""
        if sealed[:1] != _FORM or len(sealed) < 1 + _NONCE + 16:
            raise Invalid("A stored secret is damaged: it does not have the form of a sealed value")
        nonce = sealed[1 : 1 + _NONCE]
        try:
            return self._cipher.decrypt(nonce, sealed[1 + _NONCE :], _FORM)
        except InvalidTag:
            text = f"A stored secret cannot be opened: it is damaged, or {KEY_FILE} is not the key it was sealed with"
            raise Invalid(text) from None


def _load_or_make(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            log.warning("%s can be read by others than its owner; `chmod 600` it", path)
        text = path.read_text(encoding="ascii").strip()
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (UnicodeDecodeError, binascii.Error):
        text, key = "", b""
    except OSError as error:
        raise Invalid(f"The key file {path} cannot be used: {error.strerror}") from None
    if not text.startswith(_PREFIX) or len(key) != 32:
        raise Invalid(f"{path} is not a key file of Segue; put the right one back from a backup of the data folder")
    return key


def _make(path: Path) -> None:
    """Make the key file whole or not at all; when two make it at once, the first one's stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(_PREFIX + base64.b64encode(os.urandom(32)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
