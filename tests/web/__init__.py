"""The serving of the admin."""
