"""Contact sheets: grids that stay in their frame, pages that are safe to open."""

from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from cli.pages.contact_sheet import MOST_PER_IMAGE, image, write_sheet
from cli.pages.html import Section, render_page
from cli.pages.tile import Tile
from storage.errors import InvalidArgument


def _tile(rank: int = 1, path: str = "/a/b.jpg", colour: str | None = "teal") -> Tile:
    encoded = BytesIO()
    if colour:
        Image.new("RGB", (64, 32), colour).save(encoded, "WEBP", lossless=True)
    return Tile(rank, 0.5, path, "2020-01-01", encoded.getvalue() or None, None)


class _Reader(HTMLParser):
    """Gathers what a browser would fetch or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name == "src"]


def test_an_image_shows_thumbnails_in_a_grid() -> None:
    sheet = image("teal", [_tile(rank) for rank in range(1, 8)])
    assert sheet.size == (1280, 660)
    assert sheet.getpixel((20 + 116, 64 + 116)) == (0, 128, 128)


def test_what_cannot_be_shown_is_a_grey_tile() -> None:
    broken = Tile(2, 0.1, "/a/c.jpg", "", b"no webp", None)
    sheet = image("grey", [_tile(colour=None), broken])
    assert sheet.getpixel((24, 68)) == sheet.getpixel((24 + 252, 68)) == (235, 232, 226)


def test_long_names_and_words_stay_in_their_tile() -> None:
    words = Tile(2, 0.1, "/a/c.txt", "", None, "word " * 60 + "w" * 300)
    sheet = image("t" * 500, [_tile(path="/a/" + "n" * 250 + ".jpg"), words])
    assert {sheet.getpixel((sheet.width - 8, y)) for y in range(sheet.height)} == {(250, 249, 247)}


def test_too_many_hits_for_an_image_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"write the sheet as \.html"):
        image("all", [_tile()] * (MOST_PER_IMAGE + 1))


def test_a_sheet_of_another_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="hits.gif"):
        write_sheet(tmp_path / "hits.gif", "x", [_tile()])


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    hostile = '/a/<script>alert(1)</script>" onload="x\udcff.jpg'
    page = render_page("<b>title</b>", [Section("<i>", [_tile(path=hostile)], "&", "$(rm)")])
    page.encode("utf-8")
    reader = _Reader(page)
    assert all(source.startswith("data:image/webp;base64,") for source in reader.fetched)
    assert not {"script", "b", "i", "link"} & set(reader.tags)
    assert "http" not in page


def test_a_tile_says_how_well_it_fits() -> None:
    tile = _tile()
    assert tile.figure == "0.500"
    assert replace(tile, lift=0.03).figure == "0.500, lift 0.030"
    assert replace(tile, match=0.9).figure == "match 0.900"
