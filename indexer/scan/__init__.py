"""Which files are there, which of them are meant, and what kind of file each is."""
