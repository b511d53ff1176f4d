"""Parts of the runtime that the simulation does not reach."""
