"""Databases, the clock and chance: captured, and put back."""
