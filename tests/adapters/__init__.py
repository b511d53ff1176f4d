"""Tests of the adapters, one folder an adapter."""
