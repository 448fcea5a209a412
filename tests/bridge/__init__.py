"""The bridge against gunicorn."""
