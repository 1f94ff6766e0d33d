"""A person's own pages, the team of an account, and the staff."""
