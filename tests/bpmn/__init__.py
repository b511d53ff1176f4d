"""Tests of reading, checking, comparing and writing process files."""
