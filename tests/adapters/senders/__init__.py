"""Senders of notices, each against a real receiver."""
