"""The tables of the catalogue: one file each, with its reads and writes."""
