"""Starting an instance: what is asked for, and what was accepted."""

from __future__ import annotations

from msgspec import Struct

Headers = dict[str, str]


class Start(Struct, frozen=True, kw_only=True, gc=False):
    """A request for one instance.

    `node` names a start node (name or id); None means the default one. `version` asks for that version's number
    whatever its state short of draft and retired; None means the highest enabled one. `entry` puts the message
    before that very node instead (a message moved from another version).
    `scope` is that of the message (see `Message`): a called instance belongs to the message that called it.
    `key`: the same key for the same process gives the same instance. `tick` is the instant of a schedule's tick.
    """

    process: str
    instance: str
    message: str
    at: int
    body: bytes
    headers: Headers
    node: str | None = None
    version: int | None = None
    entry: str | None = None
    key: str | None = None
    tick: int | None = None
    origin: str | None = None
    scope: str = ""


class Accepted(Struct, frozen=True, kw_only=True, gc=False):
    """The message is on disk. `repeated`: the key was known, and this is its instance."""

    instance: str
    process: str
    version: int
    message: str
    repeated: bool = False
