"""What of a request the hooks and the handler are given, and what runs before its body is read."""
