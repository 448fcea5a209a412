"""The pytest plugin: fixtures, contracts of whole routes, the team's own suite on FastAPI."""
