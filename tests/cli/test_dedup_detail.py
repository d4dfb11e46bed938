"""Only what is the same at full detail is planned to go, by default and where edits may go too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image, ImageDraw, ImageFont

from tests.drawn_images import photo

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
EVERY_COPY = [arg for kind in ("identical", "same-picture", "edited") for arg in ("--drop", kind)]


def _receipt(total: str) -> Image.Image:
    image = Image.new("RGB", (600, 900), "#fcfbf7")
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 30, 560, 90), "#334f7f")
    for line in range(18):
        draw.text((50, 120 + 36 * line), f"{line:02} bread and butter", "black", _font(22))
    draw.text((50, 800), f"total {total}", "black", _font(26))
    return image


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _signed(sign: str) -> Image.Image:
    image = photo(3, (960, 720))
    draw = ImageDraw.Draw(image)
    draw.rectangle((420, 300, 560, 350), "white")
    draw.text((430, 305), sign, "black", _font(32))
    return image


@pytest.fixture
def words(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "album"
    folder.mkdir()
    _receipt("18.40").save(folder / "receipt.png")
    _receipt("18.90").save(folder / "another receipt.png")
    _receipt("18.40").save(folder / "receipt sent.jpg", quality=40)
    _signed("open").save(folder / "sign.jpg", quality=95)
    crop = (60, 50, 900, 690)
    _signed("open").crop(crop).save(folder / "sign cropped.jpg", quality=85)
    _signed("shut").crop(crop).save(folder / "sign changed.jpg", quality=85)
    made = run("index", folder, "--library", tmp_path / "library", "--model", "mini")
    assert made.exit_code == 0, made.stderr
    return ["--library", tmp_path / "library"]


def _gone(rows: list[dict[str, Any]]) -> set[str]:
    return {Path(row["path"]).name for row in rows if row["action"] == "drop"}


def test_another_sum_is_no_copy(run_json: RunJson, words: list[object]) -> None:
    rows = run_json("dedup", *words)
    assert _gone(rows) == {"receipt sent.jpg"}
    similar = run_json("dedup", *words, "--kind", "similar")
    assert {Path(row["path"]).name for row in similar} >= {"receipt.png", "another receipt.png"}
    assert _gone(similar) == set()


def test_an_edit_that_shows_something_else_stays_where_edits_go(
    run_json: RunJson, words: list[object]
) -> None:
    rows = run_json("dedup", *words, *EVERY_COPY)
    assert _gone(rows) == {"receipt sent.jpg", "sign cropped.jpg"}
    changed = next(row for row in rows if row["path"].endswith("sign changed.jpg"))
    assert (changed["kind"], changed["evidence"]["differs"]) == ("edited", True)


def test_a_looser_limit_drops_what_is_asked_for(run_json: RunJson, words: list[object]) -> None:
    rows = run_json("dedup", *words, "--limit", "detail=99")
    assert {"receipt sent.jpg"} < _gone(rows)
