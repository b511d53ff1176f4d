"""The admin in the browser."""
