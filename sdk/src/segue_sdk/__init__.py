"""Write workers for Segue: connectors, custom actions and batches as plain Python functions."""

from segue_sdk.logs import AdminLogHandler
from segue_sdk.message import BodyError, Follower, HeaderError, Message
from segue_sdk.results import (
    Fail,
    Item,
    LimitReached,
    Repeat,
    Result,
    Stop,
    batch,
    fail,
    forward,
    item,
    limit_reached,
    repeat,
    route,
    stop,
)
from segue_sdk.server import StartError
from segue_sdk.worker import Worker

__all__ = [
    "AdminLogHandler",
    "BodyError",
    "Fail",
    "Follower",
    "HeaderError",
    "Item",
    "LimitReached",
    "Message",
    "Repeat",
    "Result",
    "StartError",
    "Stop",
    "Worker",
    "batch",
    "fail",
    "forward",
    "item",
    "limit_reached",
    "repeat",
    "route",
    "stop",
]
