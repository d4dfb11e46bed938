"""Images of one view are laid on each other, and what only looks so is not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from indexer.images.compare.registration import register


def _view(side: int = 700) -> Image.Image:
    rng = np.random.default_rng(11)
    image = Image.fromarray(rng.integers(40, 220, (9, 9, 3)).astype(np.uint8)).resize((side, side))
    draw = ImageDraw.Draw(image)
    for _ in range(120):
        left, top, wide, high = (int(each) for each in rng.integers(0, side - 60, 4))
        colour = tuple(int(level) for level in rng.integers(20, 235, 3))
        draw.rectangle((left, top, left + 10 + wide % 50, top + 10 + high % 50), colour)
    return image.filter(ImageFilter.GaussianBlur(0.7))


def _pair(first: Image.Image, second: Image.Image) -> tuple[np.ndarray, np.ndarray] | None:
    ours, theirs = np.asarray(first), np.asarray(second)
    found = register(ours, theirs)
    return None if found is None else found.lay(ours, theirs)


@pytest.mark.parametrize("edit", ["crop", "tilt", "half", "crop of a fifth"])
def test_edits_are_laid_where_they_belong(edit: str) -> None:
    view = _view()
    changed = {
        "crop": view.crop((80, 60, 640, 610)),
        "tilt": view.rotate(7, Image.Resampling.BICUBIC),
        "half": view.resize((350, 350), Image.Resampling.LANCZOS),
        "crop of a fifth": view.crop((200, 200, 500, 500)),
    }[edit]
    # By the levels that the edit is lighter what was laid is told from what was filled in.
    lighter = changed.point(lambda level: min(255, level + 8))
    for pair, sign in ((_pair(view, lighter), 1), (_pair(lighter, view), -1)):
        assert pair is not None
        assert pair[0].shape == pair[1].shape
        apart = sign * (pair[1].astype(int) - pair[0])
        assert np.median(apart) == 8
        assert np.abs(apart - 8).mean() < 2.5


def _marked(marks: int, words: str = "") -> Image.Image:
    image = Image.linear_gradient("L").resize((800, 600)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for place in range(marks):
        left, top = 60 + 180 * (place % 4), 60 + 130 * (place // 4)
        draw.ellipse((left, top, left + 60, top + 60), "#b03020")
        draw.rectangle((left + 15, top + 20, left + 35, top + 40), "white")
        draw.line((left, top, left + 60, top + 60), "black", 3)
    draw.text((500, 520), words, "black", font_size=30)
    return image


def test_marks_that_repeat_are_not_all_laid_on_one() -> None:
    many, one = _marked(14), _marked(1, "PIN 4711")
    for pair in (_pair(many, one), _pair(one, many)):
        assert pair is None or np.abs(pair[0].astype(int) - pair[1]).max() > 60


def test_what_has_nothing_in_common_is_not_laid() -> None:
    assert _pair(_view(), Image.new("RGB", (700, 700), "#808080")) is None
    other = Image.fromarray(np.random.default_rng(3).integers(0, 255, (700, 700, 3), np.uint8))
    assert _pair(_view(), other) is None
