"""What the parts of the embedded store share."""

from __future__ import annotations

from segue.adapters.sqlite.queries import Queries
from segue.adapters.sqlite.readers import Readers
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.writer import Writer
from segue.ports.outside import Clock, Secrets


class Parts:
    """The writer, the readers for people, the loaders for the fronts of queues (whom nobody's long question may keep
    waiting), and what was found when the file was opened: (version, node, last number, any due)."""

    def __init__(
        self,
        *,
        writer: Writer,
        readers: Readers,
        loaders: Readers,
        queries: Queries,
        settings: SqliteSettings,
        clock: Clock,
        secrets: Secrets,
        queues_at_start: list[tuple[int, str, int, bool]],
    ) -> None:
        self.writer = writer
        self.readers = readers
        self.loaders = loaders
        self.queries = queries
        self.settings = settings
        self.clock = clock
        self.secrets = secrets
        self.queues_at_start = queues_at_start
