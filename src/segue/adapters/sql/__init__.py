"""What the stores on SQL databases share.

The tables, and the statements of the catalog and of the views as scripts: generators that yield statements and
receive rows, so that one script serves a driver that blocks and one that awaits.
"""
