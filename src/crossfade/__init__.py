"""Move a Flask application to FastAPI one route at a time, without a client noticing."""
