"""Operations on many messages, as rows."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update

from segue.adapters.sql.scripts import Row, Script
from segue.adapters.sql.tables_aside import act, operation
from segue.model.operations import ENDED, Operation, OperationKind, OperationState

_FIELDS = Operation.__struct_fields__
_COLUMNS = tuple(operation.c[name] for name in _FIELDS)
_OPEN = operation.c.state.not_in(sorted(state.value for state in ENDED))


def _operation(row: Row) -> Operation:
    values = dict(zip(_FIELDS, row, strict=True))
    return Operation(**values | {"kind": OperationKind(values["kind"]), "state": OperationState(values["state"])})


def put_operation(new: Operation) -> Script[None]:
    """Store a new operation."""
    values = {name: getattr(new, name) for name in _FIELDS}
    yield insert(operation).values(**values | {"kind": new.kind.value, "state": new.state.value})


def operations(state: OperationState | None, before: str | None, limit: int) -> Script[list[Operation]]:
    """List operations, newest first."""
    wanted = select(*_COLUMNS).order_by(operation.c.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(operation.c.state == state.value)
    if before is not None:
        wanted = wanted.where(operation.c.id < before)
    rows = yield wanted
    return [_operation(row) for row in rows]


def find_operation(key: str) -> Script[Operation | None]:
    """Return an operation, or None."""
    rows = yield select(*_COLUMNS).where(operation.c.id == key)
    return _operation(rows[0]) if rows else None


def progress(now: Operation) -> Script[None]:
    """Store how far an operation is, unless it has ended."""
    counts = {name: getattr(now, name) for name in ("total", "done", "gone", "failed", "after", "upto", "error")}
    yield update(operation).where(operation.c.id == now.id, _OPEN).values(**counts)


def turn(key: str, state: OperationState, at: int, error: str | None) -> Script[bool]:
    """Give an operation another state, unless it has ended; whether it could be."""
    if not (yield select(operation.c.id).where(operation.c.id == key, _OPEN)):
        return False
    values: dict[str, object] = {"state": state.value, "finished": at if state in ENDED else None}
    if error is not None:
        values["error"] = error
    yield update(operation).where(operation.c.id == key).values(**values)
    return True


def acted(key: str) -> Script[int]:
    """Count the messages that an operation has handled."""
    [[count]] = yield select(func.count()).select_from(act).where(act.c.operation == key)
    return int(count)
