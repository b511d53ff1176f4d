"""Workers asked over HTTP beside the data path: what they offer, and about their applications."""

from segue.adapters.worker_directory.applications import HttpApplicationWorkers
from segue.adapters.worker_directory.directory import HttpWorkerDirectory

__all__ = ["HttpApplicationWorkers", "HttpWorkerDirectory"]
