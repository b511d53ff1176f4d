"""The embedded store: SQLite in one data folder, one writer thread with group commit.

`store.py` puts the parts together; `writer.py` is where to begin reading how a change becomes durable.
"""
