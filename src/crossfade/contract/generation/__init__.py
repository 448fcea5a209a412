"""Cases that nobody writes."""
