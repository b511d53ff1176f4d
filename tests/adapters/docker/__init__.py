"""The deployer `docker` against an engine that fails on demand."""
