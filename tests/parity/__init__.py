"""Who owns a URL: Flask under gunicorn against the gateway, over raw sockets."""
