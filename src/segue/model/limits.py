"""Limits that people give, and what people see of all limits."""

from __future__ import annotations

from msgspec import Struct

from segue.model.graph import LimitRule


class GivenLimit(Struct, frozen=True, kw_only=True):
    """Rules for one key that a person gave; they hold beside all others for it."""

    key: str
    rules: tuple[LimitRule, ...]
    by: str
    at: int
    note: str = ""


class LimitedQueue(Struct, frozen=True, kw_only=True):
    """Messages of one queue that wait, each on its own, for a limit; `reason` names the keys. `latest` is the last due
    instant of one of them."""

    process: str
    version: int
    node: str
    reason: str
    count: int
    latest: int
