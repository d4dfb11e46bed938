"""The tables of the catalogue, a file each: what is read from one and written to it."""
