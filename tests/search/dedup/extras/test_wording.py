"""What a file holds is told in words that a plan edited by hand cannot break."""

import pytest

from search.dedup.extras import UNKNOWN, Extra, as_rows, in_words


@pytest.mark.parametrize(
    ("extras", "words"),
    [
        ([], ""),
        ([Extra("video", 3_200_000)], "a video of 3.2 MB"),
        (
            [Extra("gain map", 900), Extra("video", 1_500)],
            "a video of 1.5 KB and a gain map of 900 bytes",
        ),
        ([Extra("image", 10), Extra("image", 20)], "2 further images of 30 bytes"),
        ([Extra("bit depth", count=16)], "16 bits per channel"),
        ([Extra("frame", count=41)], "41 further frames"),
        ([Extra("frame", count=1)], "1 further frame"),
        ([Extra("frame", count=None)], "further frames"),
        ([Extra("matte"), Extra("layers"), Extra("depth map")], "a depth map, a matte and layers"),
        (list(UNKNOWN.extras), "something not understood"),
    ],
)
def test_each_kind_is_told_once(extras: list[Extra], words: str) -> None:
    assert in_words(as_rows(extras)) == words


@pytest.mark.parametrize("rows", [None, 7, {}, ["video"], [None]])
def test_rows_that_are_none_say_nothing(rows: object) -> None:
    assert in_words(rows) == ""


def test_a_row_that_was_edited_is_told_as_it_is() -> None:
    row = {"kind": "hologram", "count": "many", "bytes": -1.5}
    assert in_words([row, {"kind": ["video"]}]) == "hologram and ['video']"
