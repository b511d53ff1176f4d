"""The page that walks through the code is walked."""
