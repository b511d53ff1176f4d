"""What the parts of the store on PostgreSQL share."""

from __future__ import annotations

from segue.adapters.postgres.claims import Claims
from segue.adapters.postgres.connect import Pool
from segue.adapters.postgres.hints import Hints
from segue.adapters.postgres.holders import Heart
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.writer import Writer
from segue.ports.outside import Clock, Secrets


class Parts:
    """The writer; the heart, which says that this process lives; the readers for people, and the takers, whom nobody's
    long question may keep waiting. `heart`, `writer` and `hints` are set before anybody uses them."""

    writer: Writer
    heart: Heart
    hints: Hints

    def __init__(
        self, *, readers: Pool, takers: Pool, settings: PostgresSettings, clock: Clock, secrets: Secrets
    ) -> None:
        self.readers = readers
        self.takers = takers
        self.claims = Claims(takers)
        self.settings = settings
        self.clock = clock
        self.secrets = secrets
