"""The whole engine in one process, in a time of its own, with everything going wrong that can, from one seed.

A world is an engine over a store that lasts, workers that answer well and badly, people, and faults before and after
every call of a port. Witnesses keep an account of their own and say which promise was broken. The same seed lives the
same world again. `python -m segue.testing.simulation --help`; docs/simulation.md tells the rest.
"""
