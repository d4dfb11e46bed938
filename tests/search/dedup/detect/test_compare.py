"""Two images are told to be a copy, an edit, two shots or strangers, by what is in them."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from indexer.images.fingerprint import TURNS, local_features, perceptual_hashes, turned
from search.dedup.detect.block_match import small
from search.dedup.detect.compare import ImageSignature, compare, seconds_between
from search.dedup.detect.kinds import Thresholds
from storage.records import Capture
from tests.drawn_images import photo, sky

LIMITS = Thresholds()
Change = Callable[[Image.Image], Image.Image]


def look(
    image: Image.Image, capture: Capture | None = None, features: bool = True
) -> ImageSignature:
    """Take an image's fingerprints, as the product does from its thumbnail."""
    hashes, quality = perceptual_hashes(image)
    return ImageSignature(
        hashes,
        quality,
        small(np.asarray(image)),
        capture or Capture(),
        local_features(image) if features else None,
    )


def _encoded(image: Image.Image, quality: int) -> Image.Image:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def _cropped(image: Image.Image, share: float) -> Image.Image:
    width, height = round(image.width * share), round(image.height * share)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _written_over(image: Image.Image) -> Image.Image:
    written = image.copy()
    ImageDraw.Draw(written).rectangle((100, 100, 180, 150), "white")
    return written


COPIES: dict[str, Change] = {
    "quality 75": lambda image: _encoded(image, 75),
    "quality 20": lambda image: _encoded(image, 20),
    "half": lambda image: image.resize((240, 180), Image.Resampling.LANCZOS),
}
EDITS: dict[str, Change] = {
    "mirror": ImageOps.mirror,
    "quarter": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "gray": lambda image: image.convert("L").convert("RGB"),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "flatter": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "paler": lambda image: ImageEnhance.Color(image).enhance(0.7),
    "crop 90": lambda image: _cropped(image, 0.9),
    "crop 70": lambda image: _cropped(image, 0.7),
    "border": lambda image: ImageOps.expand(image, 24, "white"),
    "tilt": lambda image: image.rotate(10, Image.Resampling.BICUBIC, expand=True),
    "written over": _written_over,
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_copy_is_the_same_picture(change: Change) -> None:
    evidence = compare(look(photo(1)), look(change(photo(1))), LIMITS)
    assert evidence is not None
    assert evidence.kind == "same-picture"
    assert evidence.as_row()["hash_distance"] == evidence.hash_distance


@pytest.mark.parametrize("change", EDITS.values(), ids=EDITS)
def test_an_edit_is_edited_either_way_round(change: Change) -> None:
    first, second = look(photo(1)), look(change(photo(1)))
    for evidence in (compare(first, second, LIMITS), compare(second, first, LIMITS)):
        assert evidence is not None
        assert evidence.kind == "edited"


@pytest.mark.parametrize("paper", ["white", "#fbf7ec", "#1c1e24"])
def test_a_nearly_even_page_is_the_same_however_it_was_sent(paper: str) -> None:
    """What a codec does to paper and thin lines moves slopes, and no cell by much."""
    image = Image.new("RGB", (1000, 1400), paper)
    draw = ImageDraw.Draw(image)
    draw.rectangle((80, 60, 400, 120), "#3a60a8")
    for line in range(30):
        draw.text((80, 180 + 38 * line), f"{line} of the minutes of may", "#808080", font_size=20)
    for copy in (_encoded(image, 20), _encoded(image.resize((500, 700)), 60)):
        evidence = compare(look(image), look(copy), LIMITS)
        assert evidence is not None
        assert evidence.kind == "same-picture"


def test_a_tilt_is_measured() -> None:
    tilted = photo(1).rotate(10, Image.Resampling.BICUBIC, expand=True)
    evidence = compare(look(photo(1)), look(tilted), LIMITS)
    assert evidence is not None
    assert evidence.rotation == pytest.approx(-10, abs=0.5)  # PIL turns against the clock


def test_without_features_a_crop_goes_unseen() -> None:
    cropped = _cropped(photo(1), 0.8)
    assert compare(look(photo(1), features=False), look(cropped, features=False), LIMITS) is None


def test_strangers_are_strangers() -> None:
    signatures = [look(photo(seed)) for seed in range(8)]
    joined = [
        (one, other)
        for one in range(8)
        for other in range(one)
        if compare(signatures[one], signatures[other], LIMITS) is not None
    ]
    assert joined == []


@pytest.mark.parametrize("colour", ["black", "white", "#87ceeb"])
def test_plain_images_are_never_joined(colour: str) -> None:
    plain = Image.new("RGB", (480, 360), colour)
    noise = np.random.default_rng(0).integers(0, 4, (360, 480, 3))
    other = Image.fromarray(np.clip(np.asarray(plain) + noise - 2, 0, 255).astype(np.uint8))
    assert compare(look(plain), look(other), LIMITS) is None


def _page(words: int) -> Image.Image:
    """Draw a window: the same bars and buttons around other contents."""
    page = Image.new("RGB", (480, 360), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 480, 24), "#335")
    draw.rectangle((0, 24, 60, 360), "#ccd")
    for place in range(8):
        draw.ellipse((15, 40 + 38 * place, 45, 65 + 38 * place), "#557")
    rng = np.random.default_rng(words)
    for line in range(20):
        x = 72
        while x < 460:
            wide = int(rng.integers(8, 50))
            draw.rectangle((x, 36 + 16 * line, min(x + wide, 468), 44 + 16 * line), "#222")
            x += wide + int(rng.integers(5, 12))
    return page


def test_pages_of_one_application_are_no_copies_of_each_other() -> None:
    signatures = [look(_page(words)) for words in range(4)]
    found = [
        compare(signatures[one], signatures[other], LIMITS)
        for one in range(4)
        for other in range(one)
    ]
    assert found == [None] * 6


def _captioned(seed: int) -> Image.Image:
    """Draw a few things before one sky, with the same words over them."""
    image = sky(0, "#a8c4e8", "#e8eef8")
    rng = np.random.default_rng(seed)
    draw = ImageDraw.Draw(image)
    for _ in range(8):
        x, y = int(rng.integers(0, 560)), int(rng.integers(300, 420))
        draw.polygon([(x, y), (x + 70, y + 15), (x + int(rng.integers(5, 60)), y + 55)], "#345")
    draw.text((90, 130), "LOL so true", "white", font_size=80, stroke_width=4, stroke_fill="black")
    return image


def test_one_caption_over_two_plain_photos_makes_them_no_edits_of_each_other() -> None:
    signatures = [look(_captioned(seed)) for seed in range(4)]
    found = [
        compare(signatures[one], signatures[other], LIMITS)
        for one in range(4)
        for other in range(one)
    ]
    assert found == [None] * 6
    cropped = look(_captioned(1).crop((40, 30, 620, 470)))
    evidence = compare(signatures[1], cropped, LIMITS)
    assert evidence is not None and evidence.kind == "edited"


def test_a_burst_is_similar_and_a_changed_date_is_not() -> None:
    shots = [
        Capture(taken_at=f"2020-05-01T12:00:0{second}", camera="Canon EOS 40D")
        for second in range(2)
    ]
    noise = np.random.default_rng(0).normal(0, 6, (90, 120, 1)).repeat(4, 0).repeat(4, 1)
    moved = np.clip(np.asarray(photo(1)) + noise, 0, 255).astype(np.uint8)
    second = look(Image.fromarray(moved), shots[1])
    burst = compare(look(photo(1), shots[0]), second, LIMITS)
    assert burst is not None
    assert (burst.kind, burst.seconds_apart) == ("similar", 1.0)
    redated = compare(look(photo(1), shots[0]), look(photo(1), shots[1]), LIMITS)
    assert redated is not None
    assert redated.kind == "same-picture"


def test_a_date_that_is_none_tells_nothing() -> None:
    for date in ("2015", "2015-07", "2015-07-04", "2015-07-04T12:30"):
        assert seconds_between(Capture(taken_at=date), Capture(taken_at=date)) is None
    assert seconds_between(Capture(), Capture(taken_at="2015-07-04T12:00:00")) is None


def test_parts_of_a_second_count_where_both_tell_them() -> None:
    moments = ["2015-07-04T12:00:00.250", "2015-07-04T12:00:00.500+02:00", "2015-07-04T12:00:00"]
    first, second, rough = (Capture(taken_at=moment) for moment in moments)
    assert seconds_between(first, second) == 0.25
    assert seconds_between(first, rough) == 0


@pytest.mark.parametrize("form", range(8), ids=TURNS)
def test_forms_of_the_hash_are_turns_of_the_image(form: int) -> None:
    other = Image.fromarray(turned(np.asarray(photo(1)), form))
    apart = np.bitwise_count(look(other).hashes[0] ^ look(photo(1)).hashes).sum(axis=1)
    assert apart.argmin() == form
    assert apart[form] <= 12
