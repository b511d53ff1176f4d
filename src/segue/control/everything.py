"""All use cases in one hand, for those who offer them: the API, the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from segue.control.activities import Activities
from segue.control.applications import Applications
from segue.control.audit import Auditing
from segue.control.consequences import Forecast
from segue.control.delivery import Delivery
from segue.control.documents import Documents
from segue.control.editing import Editing
from segue.control.instances import Instances
from segue.control.invitations import Invitations
from segue.control.limits import Limits
from segue.control.logs import Logs, NoShipping, Shipping
from segue.control.metrics import Metrics
from segue.control.node_names import NodeNames
from segue.control.notices import Notices
from segue.control.operations import Operations
from segue.control.probing import Probing
from segue.control.processes import Processes
from segue.control.published import Published
from segue.control.queues import Queues
from segue.control.readiness import Readiness
from segue.control.running import Gauges, RunningEngine
from segue.control.schedules import Schedules
from segue.control.services import Services
from segue.control.sessions import Sessions
from segue.control.statistics import Statistics
from segue.control.tasks import Tasks
from segue.control.tokens import Tokens
from segue.control.trash import Trash
from segue.control.users import Users
from segue.control.versions import Versions
from segue.control.webhooks import Webhooks
from segue.control.workers import Workers
from segue.ports.notifier import Notifier
from segue.ports.outside import ApplicationWorkers, Chance, Clock, WorkerDirectory
from segue.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Control:
    """The use cases of people, one attribute a feature."""

    processes: Processes
    versions: Versions
    editing: Editing
    forecast: Forecast
    instances: Instances
    queues: Queues
    schedules: Schedules
    probing: Probing
    statistics: Statistics
    trash: Trash
    tasks: Tasks
    delivery: Delivery
    operations: Operations
    limits: Limits
    workers: Workers
    tokens: Tokens
    users: Users
    sessions: Sessions
    invitations: Invitations
    activities: Activities
    audit: Auditing
    logs: Logs
    notices: Notices
    published: Published
    names: NodeNames
    documents: Documents
    webhooks: Webhooks
    applications: Applications
    metrics: Metrics
    services: Services
    readiness: Readiness


class EngineAndGauges(RunningEngine, Gauges, Protocol):
    """The engine as the use cases need it."""


def control(  # noqa: PLR0917 - the ports, outermost last
    store: Store,
    engine: EngineAndGauges,
    directory: WorkerDirectory,
    applications: ApplicationWorkers,
    clock: Clock,
    chance: Chance,
    *,
    notifier: Notifier | None = None,
    shipping: Shipping | None = None,
    bite: int | None = None,
) -> Control:
    """Join the use cases. None: no sender can be tested, no destination is known, a `bite` has its usual size."""
    trash = Trash(store, store, store, clock, chance)
    tasks = Tasks(store, store, store, clock)
    sessions = Sessions(store, store, users := Users(store, clock, chance), clock, chance)
    versions = Versions(store, engine, clock)
    return Control(
        processes=Processes(store, clock),
        versions=versions,
        editing=Editing(versions, store),
        forecast=Forecast(store, store, versions),
        instances=Instances(store, store, store, clock, chance),
        queues=Queues(store, store, clock),
        schedules=Schedules(store, store, clock),
        statistics=Statistics(store, clock),
        probing=Probing(store, store, directory),
        trash=trash,
        tasks=tasks,
        limits=Limits(store, engine, clock),
        operations=Operations(store, store, store, trash, tasks, clock, chance, bite),
        delivery=Delivery(store, store, store, clock),
        workers=Workers(store, directory, engine, clock),
        tokens=Tokens(store, clock, chance),
        users=users,
        sessions=sessions,
        invitations=Invitations(store, users, sessions, clock, chance),
        activities=Activities(store, clock),
        audit=Auditing(store, clock),
        logs=Logs(store, store, store, store, engine, shipping or NoShipping()),
        metrics=Metrics(store, store, store, engine, clock),
        notices=Notices(catalog=store, processes=store, notifier=notifier, engine=engine, clock=clock, chance=chance),
        published=Published(store),
        names=NodeNames(store),
        documents=Documents(store, clock, chance),
        webhooks=Webhooks(store, store, store, clock, chance),
        applications=Applications(store, applications, store, store, store, clock, chance),
        services=Services(store, engine, clock),
        readiness=Readiness(store),
    )
