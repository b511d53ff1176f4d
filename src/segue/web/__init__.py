"""Serves the built admin.

Files only: what the admin shows comes from the API.
"""
