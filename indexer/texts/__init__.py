"""Text files as passages: their encoding, their tables, and where each passage stands."""
