"""Queries as vectors: their terms, and the neutral texts by which they are judged."""
