"""One file a verb; `cli.main` knows them by name and imports the one that is asked for."""
