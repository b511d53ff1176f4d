"""The whole engine in simulated worlds: it keeps its promises, and bugs planted into it are seen."""
