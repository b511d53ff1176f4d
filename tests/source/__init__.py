"""Tests on the source itself: what no linter holds for us."""
