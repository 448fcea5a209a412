"""Live traffic and HAR files made into cases, without secrets."""
