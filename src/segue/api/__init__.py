"""The HTTP face of Segue.

The REST resources, the live stream and the start entry. It reads, checks, calls a use case and answers; it decides
nothing.
"""
