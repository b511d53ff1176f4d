"""The steps that bring a database of an older Segue forward; `tools/migration.py` writes a new one."""
