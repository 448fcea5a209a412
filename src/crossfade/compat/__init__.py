"""What native routes borrow from Flask until they need it no longer."""
