"""Numbers of rows, from the database's sequences: one order over all processes."""

from __future__ import annotations

from segue.adapters.postgres.connect import Connection
from segue.adapters.postgres.cursor import BridgedCursor
from segue.adapters.postgres.outcome import NOTE
from segue.adapters.sql.operations import AcceptOperation, Operation, SettleOperation
from segue.model.message import Consumed, Kept, Returned

_KINDS = ("message", "instance", "event", "log")
_GET = ", ".join(
    f"ARRAY(SELECT nextval('{kind}_number') FROM generate_series(1, ${n}))"  # noqa: S608
    for n, kind in enumerate(_KINDS, 1)
)
RESERVE = (
    f"WITH noted AS ({NOTE.format(writer='$6', number='$7')})"  # noqa: S608 - numbers
    f" SELECT {_GET}, (SELECT last_value FROM catalog_revision), pg_current_xact_id()::text,"
    " (SELECT count(*) FROM holder), EXISTS (SELECT 1 FROM holder WHERE id = $5)"
)
_MORE = "SELECT nextval('{}_number') FROM generate_series(1, 64)"


class SequenceNumbers:
    """Implements `Numbers` for one transaction. What was reserved and is not needed is given to nobody: a number is
    fetched in the transaction that uses it, so that what comes later has a higher one."""

    def __init__(self, cursor: BridgedCursor) -> None:
        self._cursor = cursor
        self._left: dict[str, list[int]] = {kind: [] for kind in _KINDS}

    async def reserve(self, connection: Connection, wanted: Wanted, holder: int, writer: int, number: int) -> Begun:
        """Fetch numbers, and with them what else is to be known of a transaction that begins, which is noted to be this
        one of its writer."""
        [row] = await connection.rows(RESERVE, *wanted.counts(), holder, writer, number)
        for kind, numbers in zip(_KINDS, row[:4], strict=True):
            self._left[kind] = numbers[::-1]
        return Begun(revision=row[4], transaction=row[5], holders=row[6], held=row[7])

    def message(self) -> int:
        """See `Numbers`."""
        left = self._left["message"]
        return left.pop() if left else self._more("message")

    def instance(self) -> int:
        """See `Numbers`."""
        left = self._left["instance"]
        return left.pop() if left else self._more("instance")

    def event(self) -> int:
        """See `Numbers`."""
        left = self._left["event"]
        return left.pop() if left else self._more("event")

    def log(self) -> int:
        """See `Numbers`."""
        left = self._left["log"]
        return left.pop() if left else self._more("log")

    def measure(self) -> int:
        """See `Numbers`. In no order, so that one of a message does."""
        return self.message()

    def act(self) -> int:
        """See `Numbers`. They are lines of another kind, and share their sequence."""
        return self.log()

    def _more(self, kind: str) -> int:
        rows = self._cursor.execute(_MORE.format(kind)).fetchall()
        self._left[kind] = [row[0] for row in reversed(rows)]
        return self._left[kind].pop()


class Begun:
    """A transaction that has begun: the catalog's revision, its own number, how many processes hold something, and
    whether ours is one of them."""

    __slots__ = ("held", "holders", "revision", "transaction")

    def __init__(self, *, revision: int, transaction: str, holders: int, held: bool) -> None:
        self.revision = revision
        self.transaction = transaction
        self.holders = holders
        self.held = held


class Wanted:
    """How many numbers operations will probably need; more are fetched if they were too few."""

    __slots__ = ("events", "instances", "logs", "messages")

    def __init__(self, group: list[Operation]) -> None:
        self.messages = 1  # of what the commit measured
        self.instances = self.events = self.logs = 0
        for operation in group:
            if isinstance(operation, AcceptOperation):
                self.messages += 1
                self.instances += 1
            elif isinstance(operation, SettleOperation):
                self._count(operation)

    def _count(self, operation: SettleOperation) -> None:
        for transition in operation.transitions:
            effect = transition.effect
            self.logs += len(transition.logs)
            if isinstance(effect, Consumed):
                children = len(effect.children) + len(effect.starts)
                self.messages += children
                self.instances += len(effect.starts)
                self.events += not children
            elif isinstance(effect, Returned):
                self.messages += 1
            elif not isinstance(effect, Kept):
                self.events += 1

    def counts(self) -> tuple[int, int, int, int]:
        """The counts in the order of the kinds."""
        return self.messages, self.instances, self.events, self.logs
