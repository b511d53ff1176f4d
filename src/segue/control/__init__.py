"""The use cases of people.

Processes and versions, instances, trash, user tasks, workers, schedules, users and tokens. The API and the command
line call these and decide nothing themselves.
"""
