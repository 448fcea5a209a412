"""The `contract` fixture for pytest."""
