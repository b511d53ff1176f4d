"""What the engine needs of the world, as Protocols with numbered guarantees.

Store, broker, worker transport, clock, logs, metrics, notices, deployer, secrets. Each guarantee has a test in the
contract suite of its port.
"""
