"""Destinations of log lines, against real receivers where there are any."""
