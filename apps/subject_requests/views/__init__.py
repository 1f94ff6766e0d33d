"""Pages for customers and for the officers’ desk."""
