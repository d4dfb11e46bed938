"""Text files as passages: encoding, tables, and the place of each passage."""
