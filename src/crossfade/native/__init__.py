"""Runs a native route inside Flask's request life cycle."""
