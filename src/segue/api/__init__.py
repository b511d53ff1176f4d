"""The HTTP face of Segue.

The REST resources, the live stream, the start entry and the Orchesty-compatible routes. It reads, checks, calls a use
case and answers; it decides nothing.
"""
