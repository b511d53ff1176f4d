"""The store in memory: for tests, for the simulation, and as the shortest telling of what a store does.

Everything is done at once and in order, without threads, so that a run is the same each time.
"""
