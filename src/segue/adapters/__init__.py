"""The ports made real, one file a port and technology.

No adapter knows another; the composition root picks and joins them.
"""
