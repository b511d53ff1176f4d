"""What all destinations are told in their address."""

from __future__ import annotations

from msgspec import Struct

from segue.core.log_lines import LEVELS


class SinkOptions(Struct, frozen=True, kw_only=True):
    """`days` is how long the destination is to keep lines, where it can be told; 0 leaves that to it.

    `link` is an address that shows lines there to people, with {instance}, {process} and {message} to be filled in.
    """

    name: str
    levels: tuple[str, ...] = LEVELS
    days: int = 30
    link: str | None = None
