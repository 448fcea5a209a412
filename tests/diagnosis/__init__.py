"""Causes: each with its evidence, its look-alike and a fix that works."""
