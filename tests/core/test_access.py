"""When the end of an authorization is told."""

from __future__ import annotations

import pytest

from segue.core.access import warn_at
from segue.model.documents import Document, DocumentKind

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("lasts", "told"),
    [(None, None), (HOUR, HOUR + 10 * MINUTE), (2 * DAY, 2 * DAY + 10 * MINUTE), (30 * DAY, 29 * DAY)],
)
def test_when(lasts: int | None, told: int | None) -> None:
    install = Document(id="1", kind=DocumentKind.INSTALL, created=0, updated=0, expires=lasts)
    assert warn_at(install) == told
