"""Serves the built admin.

Files only: what the admin shows comes from the API.
"""

from segue.web.files import AdminPages

__all__ = ["AdminPages"]
