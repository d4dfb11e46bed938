"""The record of a file's extras, and its comparison with another file's."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

ExtraKind = Literal[
    "video",
    "audio",
    "image",  # a further one, at full size or as a preview
    "frame",  # of an animation
    "page",
    "depth map",
    "gain map",
    "matte",
    "layers",
    "raw image",
    "bit depth",  # more than 8 bits per channel; `count` are the bits
    "transparency",  # kept apart from the image, as HEIF and AVIF do
    "channels",  # beyond colour and transparency
    "georeference",
    "text",  # a comment longer than those that programs write on their own
    "data",  # of unknown form
    "unknown",  # the structure of the file was not understood
]


@dataclass(frozen=True, slots=True)
class Extra:
    """A part of a file besides its first image."""

    kind: ExtraKind
    bytes: int = 0  # of its payload; 0 if they were not counted
    count: int | None = 1  # how many of the kind; None if unknown
    digest: str | None = None  # SHA-256 of the payload; None if equal payloads prove nothing


@dataclass(frozen=True, slots=True)
class Contents:
    """All extras of a file."""

    extras: tuple[Extra, ...] = ()
    transparent: bool = False  # the first image has an alpha channel

    @property
    def kinds(self) -> frozenset[ExtraKind]:
        """Return the kinds of the extras."""
        return frozenset(each.kind for each in self.extras)


UNKNOWN = Contents((Extra("unknown", count=None),))


def lacking(contents: Contents, other: Contents) -> tuple[Extra, ...]:
    """Return the extras of `contents` that `other` may lack.

    It has an extra as well if one of its own is of the same kind with the same bytes.
    """
    held = {(each.kind, each.digest) for each in other.extras if each.digest is not None}
    return tuple(each for each in contents.extras if not _covered(each, held, other.transparent))


def _covered(extra: Extra, held: Set[tuple[ExtraKind, str | None]], transparent: bool) -> bool:
    # Alpha channels are compared with the pixels; here only their presence matters.
    return (extra.kind, extra.digest) in held or (extra.kind == "transparency" and transparent)
