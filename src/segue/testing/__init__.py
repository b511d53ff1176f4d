"""What tests of Segue and of its extensions use, shipped with it.

A contract suite for each port, the simulation world and an in-process worker. Nothing but the command line may import
it.
"""
