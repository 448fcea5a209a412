"""Findings as text, Markdown, HTML and JSON."""
