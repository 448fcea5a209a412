"""What chance makes is no difference, and nothing else is taken for it."""
