"""What other packages announce about people, and what we do about it."""
