"""The progress of an index run: what was done, what is left, and how long that will take."""
