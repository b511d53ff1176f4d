"""Tests of the demo and of what the README shows."""
