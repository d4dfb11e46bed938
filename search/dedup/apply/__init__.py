"""A plan carried out and undone: checked, journalled, and recovered after a crash."""
