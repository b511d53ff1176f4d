"""Which failures are the data's: what is in the message, and not who handles it, keeps it from going on."""

from __future__ import annotations

from segue.model.message import SetAside

_CODES = frozenset({"bad-batch", "condition-failed", "no-flow"})
# What a worker answers that cannot do anything with the content of a request (RFC 9110, 15.5).
_STATUSES = frozenset({400, 413, 415, 422})


def is_data_error(effect: SetAside, status: int | None) -> bool:
    """Whether a message was set aside for its data; `status` is that of the worker's answer, None without one."""
    return effect.reason_code in _CODES or (effect.reason_code == "status" and status in _STATUSES)
