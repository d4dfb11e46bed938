import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.images.decode import open_image
from indexer.images.preprocess import prepare, sides_needed
from indexer.models import load
from indexer.models.protocols import ImageSpec

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
CLIP = ImageSpec(224, MEAN, STD)


def noise(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(width * 7919 + height).integers(0, 256, (height, width, 3))
    return Image.fromarray(values.astype(np.uint8))


@pytest.mark.parametrize("resize", ["shortest", "longest", "squash"])
@pytest.mark.parametrize(
    "size", [(500, 375), (375, 500), (224, 224), (3, 2), (30, 1200), (900, 31)]
)
def test_every_way_to_resize_gives_the_square(resize: str, size: tuple[int, int]) -> None:
    spec = ImageSpec(64, MEAN, STD, resize=resize)  # type: ignore[arg-type]
    pixels = prepare(noise(*size), spec)
    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("size", [(1, 50_000), (50_000, 1), (40_000, 7)])
def test_a_hair_is_prepared_without_growing_into_a_wall(size: tuple[int, int]) -> None:
    ramp = np.linspace(0, 255, max(size)).astype(np.uint8)
    values = np.broadcast_to(ramp[:, None] if size[0] < size[1] else ramp, size[::-1])
    pixels = prepare(Image.fromarray(np.ascontiguousarray(values)).convert("RGB"), CLIP)
    assert pixels.shape == (224, 224, 3)
    assert abs(float(pixels.mean()) - 127.5) < 2  # the middle of the ramp


def test_a_longer_hair_is_cut_like_a_shorter_one(monkeypatch: pytest.MonkeyPatch) -> None:
    smooth = Image.effect_noise((40, 60), 60).convert("RGB").resize((900, 100))
    whole = prepare(smooth, CLIP).astype(int)
    monkeypatch.setattr("indexer.images.preprocess._EXTREME_RATIO", 2)
    assert np.abs(prepare(smooth, CLIP).astype(int) - whole).max() <= 2


@pytest.mark.parametrize(
    ("resize", "size"),
    [("squash", (500, 375)), ("squash", (30, 2500)), ("shortest", (77, 77)), ("shortest", (2, 2))],
)
def test_a_crop_cuts_the_middle_out_of_a_larger_image(resize: str, size: tuple[int, int]) -> None:
    image = Image.effect_noise(size, 60).convert("RGB")
    inner = ImageSpec(64, MEAN, STD, resize=resize, crop=75)  # type: ignore[arg-type]
    outer = ImageSpec(75, MEAN, STD, resize=resize, crop=75)  # type: ignore[arg-type]
    # 11 pixels too many: 5 go from the start and 6 from the end.
    assert np.array_equal(prepare(image, inner), prepare(image, outer)[5:69, 5:69])


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "nearest", "lanczos"])
def test_every_interpolation_is_pillows(interpolation: str) -> None:
    image = noise(90, 60)
    spec = ImageSpec(32, MEAN, STD, interpolation, "squash")  # type: ignore[arg-type]
    expected = image.resize((32, 32), Image.Resampling[interpolation.upper()])
    assert np.array_equal(prepare(image, spec), np.asarray(expected))


def test_a_decoder_must_leave_enough_for_what_is_cropped() -> None:
    assert sides_needed(ImageSpec(289, MEAN, STD, resize="squash", crop=346))[0] == 502


def test_padding_is_even_and_of_the_given_shade() -> None:
    spec = ImageSpec(100, MEAN, STD, resize="longest", fill=9)
    pixels = prepare(Image.new("RGB", (200, 100), (250, 250, 250)), spec)
    assert (pixels[:25] == 9).all()
    assert (pixels[75:] == 9).all()
    assert (pixels[25:75] == 250).all()


@pytest.mark.parametrize("resize", ["shortest", "longest", "squash"])
def test_a_decoder_must_leave_enough_for_the_tower_and_the_thumbnail(resize: str) -> None:
    spec = ImageSpec(336, MEAN, STD, resize=resize)  # type: ignore[arg-type]
    short, long = sides_needed(spec)
    assert max(short, long) >= 1.45 * spec.size
    assert long >= 480


def test_a_photo_of_12_megapixels_is_scaled_by_eight_and_its_vector_stays() -> None:
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(0, 256, (300, 400, 3), np.uint8))
    encoded = BytesIO()
    coarse.resize((4000, 3000), Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=90)
    whole, scaled = (
        open_image(encoded.getvalue(), smallest=smallest).image
        for smallest in (None, sides_needed(ImageSpec(256, MEAN, STD)))
    )
    assert scaled.size == (500, 375)
    mini = load("mini")
    one, other = (
        mini.encode_images(prepare(image, mini.image_spec)[None])[0] for image in (whole, scaled)
    )
    assert one @ other > 0.998


@pytest.mark.slow
@pytest.mark.parametrize("resize", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_the_square_is_the_one_open_clip_makes(resize: str, interpolation: str) -> None:
    transform = pytest.importorskip("open_clip.transform").image_transform(
        96, False, mean=(0, 0, 0), std=(1, 1, 1), resize_mode=resize,
        interpolation=interpolation, fill_color=7,
    )  # fmt: skip
    spec = ImageSpec(96, MEAN, STD, interpolation, resize, 7)  # type: ignore[arg-type]
    for size in [(500, 375), (375, 500), (97, 96), (95, 95), (401, 77), (33, 700), (640, 641)]:
        image = noise(*size)
        theirs = transform(image).numpy().transpose(1, 2, 0) * 255
        assert np.abs(prepare(image, spec) - theirs).max() < 0.01


def test_the_reference_tensors_of_clip_are_reproduced() -> None:
    if "SIGHTLINE_DATA" not in os.environ:
        pytest.skip("SIGHTLINE_DATA is not set: it names the folder of reference data")
    folder = Path(os.environ["SIGHTLINE_DATA"]) / "reference" / "clip-retrieval"
    with np.load(folder / "reference.npz") as reference:
        pairs = list(zip(reference["names"], reference["pixel_values"], strict=True))
    assert len(pairs) == 7
    for name, tensor in pairs:
        image = open_image(folder / "images" / f"{name}.jpg")
        theirs = tensor.transpose(1, 2, 0) * np.array(STD) + np.array(MEAN)
        assert np.abs(prepare(image.image, CLIP) / 255 - theirs).max() <= 1 / 255
