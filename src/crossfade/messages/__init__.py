"""Requests and responses as immutable values, and their comparison."""
