"""The data path: from an accepted start to the last message of an instance.

Accepting, control services, timers, schedules, limits, notices. Each part has one step that a loop calls, so that the
simulation can drive it instead.
"""
