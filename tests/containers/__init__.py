"""What is run in containers, and the files for it."""
