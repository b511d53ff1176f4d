"""The composition root: which adapter stands behind which port.

`server` is the whole engine with its HTTP face, `offline` what the command line does in a data folder without it.
"""
