"""What one file holds and another lacks: only the same bytes of the same kind are the same."""

from search.dedup.extras import UNKNOWN, Contents, Extra, lacking

VIDEO, OTHER = Extra("video", 9, digest="a"), Extra("video", 9, digest="b")


def test_the_same_payload_is_not_lacked() -> None:
    assert lacking(Contents((VIDEO,)), Contents((OTHER, VIDEO))) == ()
    assert lacking(Contents(), Contents((VIDEO,))) == ()


def test_another_payload_or_kind_is_lacked() -> None:
    assert lacking(Contents((VIDEO,)), Contents((OTHER,))) == (VIDEO,)
    assert lacking(Contents((VIDEO,)), Contents((Extra("data", 9, digest="a"),))) == (VIDEO,)
    assert lacking(Contents((VIDEO, OTHER)), Contents((VIDEO,))) == (OTHER,)


def test_what_has_no_digest_is_never_surely_the_same() -> None:
    frames = Contents((Extra("frame", count=3),))
    assert lacking(frames, frames) == frames.extras
    assert lacking(UNKNOWN, UNKNOWN) == UNKNOWN.extras
    assert lacking(Contents((VIDEO,)), UNKNOWN) == (VIDEO,)


def test_transparency_that_is_kept_apart_is_that_of_any_transparent_image() -> None:
    apart = Contents((Extra("transparency", 9, digest="a"),), transparent=True)
    assert lacking(apart, Contents(transparent=True)) == ()
    assert lacking(apart, Contents()) == apart.extras
