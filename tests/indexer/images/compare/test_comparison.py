"""Files are compared at full detail, as they were indexed, with what is transparent in them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from indexer.images.compare.comparison import Beside, CompareTask, ImageFile
from indexer.images.compare.detail import DIFFERS, Difference
from indexer.images.fingerprint import TURNS, turned
from indexer.images.limits import Limits
from tests.drawn_images import boxes, receipt, soft_ground

Change = Callable[[Image.Image], Image.Image]
SIZE = (800, 600)


def _scene(sign: str = "open") -> Image.Image:
    """Draw a street of rectangles in which one small sign may say something else."""
    rng = np.random.default_rng(7)
    image = soft_ground(rng, SIZE, (60, 200))
    draw = ImageDraw.Draw(image)
    for box, colour in boxes(rng, SIZE, 90, (8, 80), (20, 235)):
        draw.rectangle(box, colour)
    draw.rectangle((300, 250, 420, 300), "white")
    draw.text((310, 255), sign, "black", ImageFont.load_default(30))
    return image


def _held(path: Path, image: Image.Image, **options: object) -> ImageFile:
    image.save(path, **options)  # type: ignore[arg-type]
    return _indexed(path)


def _indexed(*paths: Path) -> ImageFile:
    content = paths[0].read_bytes()
    return ImageFile(tuple(map(str, paths)), hashlib.sha256(content).hexdigest(), len(content))


def _compared(first: ImageFile, *others: Beside) -> tuple[Difference | None, ...]:
    return CompareTask(first, others, Limits()).run()


def _excess(first: ImageFile, other: ImageFile, **how: object) -> float:
    [found] = _compared(first, Beside(other, **how))  # type: ignore[arg-type]
    assert found is not None
    return found.excess


def test_each_is_compared_with_the_first(tmp_path: Path) -> None:
    first = _held(tmp_path / "first.png", _scene())
    copy = _held(tmp_path / "copy.jpg", _scene(), quality=20)
    other = _held(tmp_path / "other.png", _scene("shut"))
    same, differing = _compared(first, Beside(copy), Beside(other))
    assert same is not None
    assert same.excess < DIFFERS
    assert differing is not None
    assert differing.excess > DIFFERS
    assert (300 / 800, 250 / 600) < (differing.x, differing.y) < (420 / 800, 300 / 600)


@pytest.mark.parametrize("form", range(len(TURNS)))
def test_a_turned_copy_is_turned_upright(tmp_path: Path, form: int) -> None:
    # `form` turns the second upright: what was made by its inverse.
    back = {"90": "270", "270": "90"}.get(TURNS[form], TURNS[form])
    made = turned(np.asarray(_scene()), TURNS.index(back))
    first = _held(tmp_path / "first.png", _scene())
    second = _held(tmp_path / "second.jpg", Image.fromarray(made), quality=80)
    assert _excess(first, second, form=form) < DIFFERS


EDITS: dict[str, Change] = {
    "cropped": lambda image: image.crop((60, 40, 720, 560)),
    "tilted": lambda image: image.rotate(3, Image.Resampling.BICUBIC).crop((40, 40, 760, 560)),
    "cropped and shrunk": lambda image: image.crop((60, 40, 720, 560)).resize((495, 390)),
    "gray": lambda image: image.convert("L").convert("RGB"),
    "darker": lambda image: image.point(lambda level: round(level * 0.8 + 5)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_shows_the_same_where_both_show_something(tmp_path: Path, edit: str) -> None:
    first = _held(tmp_path / "first.png", _scene())
    edited = _held(tmp_path / "edited.jpg", EDITS[edit](_scene()), quality=85)
    other = _held(tmp_path / "other.jpg", EDITS[edit](_scene("shut")), quality=85)
    assert _excess(first, edited, edited=True) < DIFFERS
    assert _excess(edited, first, edited=True) < DIFFERS
    assert _excess(first, other, edited=True) > DIFFERS
    assert _excess(other, first, edited=True) > DIFFERS


def test_edits_are_compared_at_all_the_detail_that_both_have(tmp_path: Path) -> None:
    def plan(sum_: str) -> Image.Image:
        image = _scene().resize((2400, 1800), Image.Resampling.LANCZOS)
        draw = ImageDraw.Draw(image)
        draw.rectangle((1500, 1100, 1700, 1140), "white")
        draw.text((1510, 1105), sum_, "black", ImageFont.load_default(20))
        return image.crop((100, 90, 2300, 1700))

    first = _held(tmp_path / "first.png", _scene().resize((2400, 1800), Image.Resampling.LANCZOS))
    whole = _held(tmp_path / "whole.png", plan("1,250.00"))
    crop = plan("1,250.00").crop((60, 80, 2100, 1560))
    same = _held(tmp_path / "same.jpg", crop, quality=90)
    other = plan("1,260.00").crop((60, 80, 2100, 1560))
    differing = _held(tmp_path / "differing.jpg", other, quality=90)
    assert _excess(whole, same, edited=True) < DIFFERS
    assert _excess(whole, differing, edited=True) > DIFFERS
    assert _excess(first, same, edited=True) > DIFFERS


@pytest.mark.parametrize("edit", ["cropped", "darker", "gray"])
def test_another_colour_counts_in_an_edit(tmp_path: Path, edit: str) -> None:
    def marked(colour: str) -> Image.Image:
        image = _scene()
        ImageDraw.Draw(image).rectangle((500, 400, 540, 440), colour)
        return image

    first = _held(tmp_path / "first.png", marked("#ff0000"))
    other = _held(tmp_path / "other.jpg", EDITS[edit](marked("#008200")), quality=90)
    # Of a gray copy nothing tells which of the colours it was.
    assert (_excess(first, other, edited=True) > DIFFERS) == (edit != "gray")


def test_the_transparency_of_an_edit_is_registered_too(tmp_path: Path) -> None:
    cut = _cut_out("open")
    first = _held(tmp_path / "first.png", cut)
    crop = _held(tmp_path / "crop.png", cut.crop((60, 40, 720, 560)))
    whole = _held(tmp_path / "whole.png", _scene().crop((60, 40, 720, 560)))
    assert _excess(first, crop, edited=True) < DIFFERS
    assert _excess(first, whole, edited=True) > DIFFERS


def test_two_views_that_cannot_be_registered_are_no_evidence(tmp_path: Path) -> None:
    first = _held(tmp_path / "first.png", _scene())
    even = _held(tmp_path / "even.png", Image.new("RGB", SIZE, "#808080"))
    assert _compared(first, Beside(even, edited=True)) == (None,)


def _cut_out(sign: str, opacity: int = 0) -> Image.Image:
    image = _scene(sign).convert("RGBA")
    alpha = Image.new("L", SIZE, 255)
    alpha.paste(opacity, (0, 0, 250, 600))
    image.putalpha(alpha)
    return image


def test_what_is_transparent_is_compared(tmp_path: Path) -> None:
    cut = _held(tmp_path / "cut.png", _cut_out("open"))
    again = _held(tmp_path / "cut.webp", _cut_out("open"), lossless=True)
    flat = Image.new("RGB", SIZE, "white")
    flat.paste(_cut_out("open"), mask=_cut_out("open"))
    flattened = _held(tmp_path / "flat.png", flat)
    less = _held(tmp_path / "less.png", _cut_out("open", opacity=90))
    assert _excess(cut, again) < DIFFERS
    for other in (flattened, less):
        [found] = _compared(cut, Beside(other))
        assert found is not None
        assert (found.excess > DIFFERS, found.channel) == (True, "transparency")
        assert _excess(other, cut) > DIFFERS


def test_white_words_on_nothing_are_seen(tmp_path: Path) -> None:
    def white(text: str) -> Image.Image:
        mask = Image.new("L", (600, 300), 0)
        ImageDraw.Draw(mask).text((40, 120), text, 255, ImageFont.load_default(60))
        image = Image.new("RGBA", (600, 300), (255, 255, 255, 0))
        image.putalpha(mask)
        return image

    first = _held(tmp_path / "first.png", white("Invoice 4711"))
    other = _held(tmp_path / "other.png", white("Invoice 4717"))
    again = _held(tmp_path / "again.webp", white("Invoice 4711"), lossless=True)
    assert _excess(first, again) < DIFFERS
    assert _excess(first, other) > DIFFERS


def test_what_changed_since_or_cannot_be_read_is_no_evidence(tmp_path: Path) -> None:
    first = _held(tmp_path / "first.png", _scene())
    changed = _held(tmp_path / "changed.png", _scene())
    (tmp_path / "changed.png").write_bytes((tmp_path / "changed.png").read_bytes()[::-1])
    gone = _held(tmp_path / "gone.png", _scene())
    (tmp_path / "gone.png").unlink()
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    broken = _indexed(tmp_path / "broken.jpg")
    assert _compared(first, *map(Beside, (changed, gone, broken))) == (None, None, None)
    assert _compared(gone, Beside(first)) == (None,)


def test_another_file_of_the_same_content_is_read_instead(tmp_path: Path) -> None:
    first = _held(tmp_path / "first.png", _scene())
    _held(tmp_path / "gone.png", _scene())
    _held(tmp_path / "there.png", _scene())
    second = _indexed(tmp_path / "gone.png", tmp_path / "there.png")
    (tmp_path / "gone.png").unlink()
    assert _excess(first, second) < DIFFERS


def test_long_images_are_compared_at_their_full_width(tmp_path: Path) -> None:
    first = _held(tmp_path / "first.png", receipt(700, 280, 14))
    other = _held(tmp_path / "other.jpg", receipt(700, 280, 14, "12.90", 140), quality=85)
    again = _held(tmp_path / "again.jpg", receipt(700, 280, 14), quality=85)
    assert _excess(first, other) > DIFFERS
    assert _excess(first, again) < DIFFERS


def test_content_at_hand_is_decoded_instead_of_a_file(tmp_path: Path) -> None:
    first = _held(tmp_path / "first.png", _scene())
    content = (tmp_path / "first.png").read_bytes()
    nowhere = ImageFile((str(tmp_path / "nowhere.png"),), first.hash, first.size, content)
    assert _excess(first, nowhere) < DIFFERS
