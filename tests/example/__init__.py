"""Tests of the example: the Flask application, the FastAPI one, and that they answer alike."""
