"""From the name of a model to its files: fetched, pinned, and checked before they are used."""
