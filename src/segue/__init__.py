"""Segue runs integration processes that were drawn in BPMN.

A durable queue stands before every action, workers are called over HTTP, and the account of all messages can be proven
at any time. Read `docs/walk.md` beside the source for the way of one message through these packages.
"""
