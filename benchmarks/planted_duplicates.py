"""Planted copies: each source photo edited in every way a duplicate comes about."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from search.dedup.detect.kinds import Kind

FOLDERS = ("imagenet-sample", "flickr8k/images", "coco-mini/train2017")
Change = Callable[[Image.Image], Image.Image]
_SUFFIXES = {".jpg", ".jpeg"}
_SIDEWAYS = 6  # the EXIF orientation of an image that was taken turned by 90 degrees


@dataclass(frozen=True, slots=True)
class Edit:
    """One way of making a copy: its name, the kind it should be found as, and how it is saved."""

    name: str
    kind: Kind
    change: Change
    format: str = "JPEG"
    quality: int = 92
    orientation: int | None = None


def sources(data: Path) -> list[Path]:
    """List the photos that are known to be distinct, in a fixed order."""
    return [
        path
        for folder in FOLDERS
        for path in sorted((data / folder).iterdir())
        if path.suffix.lower() in _SUFFIXES
    ]


def copies(source: Path) -> Iterator[tuple[Edit, bytes, int]]:
    """Make every copy of a photo: the edit, the file's bytes, and its shorter side.

    A colour profile stays: without it a copy has other colours.
    """
    with Image.open(source) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
        profile = opened.info.get("icc_profile") if opened.mode == "RGB" else None
    for edit in EDITS:
        changed = edit.change(image)
        yield edit, _saved(changed, edit, profile), min(changed.size)


def _saved(image: Image.Image, edit: Edit, profile: bytes | None) -> bytes:
    encoded, exif = io.BytesIO(), Image.Exif()
    if edit.orientation is not None:
        exif[274] = edit.orientation
    image.save(encoded, edit.format, quality=edit.quality, exif=exif, icc_profile=profile)
    return encoded.getvalue()


def _same(image: Image.Image) -> Image.Image:
    return image


def _resized(share: float) -> Change:
    return lambda image: image.resize(
        (max(1, round(image.width * share)), max(1, round(image.height * share))),
        Image.Resampling.LANCZOS,
    )


def _cropped(share: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        width, height = round(image.width * share), round(image.height * share)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))

    return change


def _rotated(degrees: float) -> Change:
    return lambda image: image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def _gray(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def _enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance], factor: float) -> Change:
    return lambda image: kind(image).enhance(factor)


def _bordered(image: Image.Image) -> Image.Image:
    return ImageOps.expand(image, round(0.05 * max(image.size)), (255, 255, 255))


def _captioned(image: Image.Image) -> Image.Image:
    bar = max(16, round(image.height * 0.12))
    whole = Image.new("RGB", (image.width, image.height + bar), (0, 0, 0))
    whole.paste(image, (0, 0))
    font = ImageFont.load_default(max(8, bar // 2))
    place = (8, image.height + bar // 4)
    ImageDraw.Draw(whole).text(place, "when the weekend is over", (255, 255, 255), font)
    return whole


def _meme(image: Image.Image) -> Image.Image:
    part = _cropped(0.8)(image)
    font = ImageFont.load_default(max(10, part.height // 8))
    place = (part.width // 10, part.height // 2)
    ImageDraw.Draw(part).text(
        place, "LOL so true", (255, 255, 255), font, stroke_width=2, stroke_fill=(0, 0, 0)
    )
    return part


def _turned_back(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)  # which orientation 6 undoes


EDITS = (
    *(Edit(f"jpeg q{q}", "same-picture", _same, quality=q) for q in (75, 50, 20, 10)),
    Edit("png", "same-picture", _same, "PNG"),
    Edit("webp", "same-picture", _same, "WEBP", 80),
    *(Edit(f"resize {s}", "same-picture", _resized(s)) for s in (0.75, 0.5, 0.25)),
    Edit("metadata stripped", "same-picture", _same, quality=95),
    Edit("rotated by exif", "same-picture", _turned_back, orientation=_SIDEWAYS),
    *(Edit(f"crop {round(s * 100)}", "edited", _cropped(s)) for s in (0.9, 0.8, 0.7, 0.5)),
    Edit("mirror", "edited", ImageOps.mirror),
    Edit("rotated 90", "edited", lambda image: image.transpose(Image.Transpose.ROTATE_90)),
    Edit("rotated +10", "edited", _rotated(10)),
    Edit("rotated -10", "edited", _rotated(-10)),
    Edit("gray", "edited", _gray),
    *(
        Edit(f"{name} {sign}30", "edited", _enhanced(kind, factor))
        for name, kind in (
            ("brightness", ImageEnhance.Brightness),
            ("contrast", ImageEnhance.Contrast),
            ("saturation", ImageEnhance.Color),
        )
        for sign, factor in (("+", 1.3), ("-", 0.7))
    ),
    Edit("border", "edited", _bordered),
    Edit("caption bar", "edited", _captioned),
    Edit("crop + q30 + text", "edited", _meme, quality=30),
)
