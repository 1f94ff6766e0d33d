"""Pages and files of cookies."""
