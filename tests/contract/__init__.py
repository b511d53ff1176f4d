"""The contract suites of the store's ports, run on each store."""
