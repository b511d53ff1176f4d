"""One worker a system, written with the SDK: the actions that the drawn processes call."""
