"""Benches: how fast Segue is on this machine, always against something measured in the same run."""
