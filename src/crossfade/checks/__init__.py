"""What is found at the start: what native routes do without, and what may let strangers in."""
