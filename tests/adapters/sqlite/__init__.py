"""The embedded store beyond its contracts: opening, trouble, crashes, schema."""
