"""A Flask test suite, recorded or replayed on FastAPI."""
