"""Calls to workers, against servers that misbehave in every way known."""
