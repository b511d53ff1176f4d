"""The pure decisions.

Given the graph, a message, the worker's reply and the time as values, they say what has to happen. They do no I/O,
read no clock and roll no dice, so every rule can be tested as a function.
"""
