"""The whole store: every port that one database implements together."""

from __future__ import annotations

from typing import Protocol

from segue.ports.activity import ActivityLog, InvitationCatalog
from segue.ports.catalog import (
    ProcessCatalog,
    ScheduleCatalog,
    SessionCatalog,
    TokenCatalog,
    UserCatalog,
    WorkerCatalog,
)
from segue.ports.cluster import Cluster
from segue.ports.documents import AuthorizationCatalog, DeliveryCatalog, DocumentCatalog, LineCatalog, MarkCatalog
from segue.ports.given_limits import GivenLimitCatalog
from segue.ports.limits import LimitCatalog, SharedLimits
from segue.ports.log_book import LogBook
from segue.ports.messages import MessageStore
from segue.ports.metrics import MetricStore
from segue.ports.notices import NoticeCatalog
from segue.ports.operations import OperationCatalog
from segue.ports.retention import Retention
from segue.ports.views import Views


class Store(
    MessageStore,
    ProcessCatalog,
    WorkerCatalog,
    TokenCatalog,
    UserCatalog,
    SessionCatalog,
    InvitationCatalog,
    ActivityLog,
    ScheduleCatalog,
    LimitCatalog,
    GivenLimitCatalog,
    SharedLimits,
    Cluster,
    DocumentCatalog,
    DeliveryCatalog,
    AuthorizationCatalog,
    LineCatalog,
    MarkCatalog,
    LogBook,
    OperationCatalog,
    Views,
    Retention,
    NoticeCatalog,
    MetricStore,
    Protocol,
):
    """One database behind all storage ports, so that one transaction can span them."""

    async def close(self) -> None:
        """Finish what is pending and close. Nothing may be called afterwards."""
        ...
