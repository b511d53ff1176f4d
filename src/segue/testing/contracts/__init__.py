"""Contract suites, one a port: each numbered guarantee is a test named after it.

An adapter is held to a port by a test class that inherits the port's suite and gives the fixture it asks for. The
suites need pytest with pytest-asyncio in its auto mode.
"""
