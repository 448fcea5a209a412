"""Contracts of the example's native routes."""
