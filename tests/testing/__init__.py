"""What is shipped for tests is tested itself."""
