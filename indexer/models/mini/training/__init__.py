"""Training of the small models that the repository holds; not part of the wheel."""
