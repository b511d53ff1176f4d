"""Calls to workers over HTTP/1.1 (RFC 9110, RFC 9112): a small client of ours, because every action waits for it.

`request` puts a call into bytes, `connection` carries one exchange after another over one socket, `pool` keeps the
connections of one origin within their number, and `client` joins them into the port. Read them in this order.
"""

from __future__ import annotations

from segue.adapters.worker_http.client import HttpWorkers
from segue.adapters.worker_http.settings import HttpSettings

__all__ = ["HttpSettings", "HttpWorkers"]
