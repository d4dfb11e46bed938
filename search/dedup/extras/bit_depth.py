"""The bit depth as an extra: more than the eight bits per channel at which images are compared."""

from search.dedup.extras.byte_source import ByteSource
from search.dedup.extras.contents import Extra

_COMPARED = 8


def bit_depth(source: ByteSource, bits: int, *coded: tuple[int, int]) -> list[Extra]:
    """Return an extra if there are more than 8 bits per channel.

    Two deep images hold the same where their `coded` pixels are of the same bytes: what the lower
    bits say was not compared otherwise.
    """
    if bits <= _COMPARED:
        return []
    return [Extra("bit depth", count=bits, digest=source.digest(*coded) if coded else None)]
