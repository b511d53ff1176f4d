"""Tests of the command line and of the server it starts."""
