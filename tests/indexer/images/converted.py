"""Images that are converted from their profiles, by LittleCMS and by the product."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from indexer.images.decode import open_image
from tests.indexer.images.encoded import ADOBE, EXCHANGED, P3, PROPHOTO, profile

PROFILES = {
    "Display P3": profile(P3),
    "Adobe RGB": profile(ADOBE, 563 / 256),
    "ProPhoto": profile(PROPHOTO, 1.8),
    "channels exchanged": profile(EXCHANGED, 2.2),
}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def by_littlecms(image: Image.Image, content: bytes, out: str = "RGB") -> Image.Image:
    source = ImageCms.ImageCmsProfile(BytesIO(content))
    made = ImageCms.profileToProfile(image, source, SRGB, outputMode=out)
    assert made is not None
    return made


def seen(data: bytes) -> Image.Image:
    return open_image(data).image


def colours() -> Image.Image:
    """Draw soft transitions between all hues, dark and light."""
    across, down = np.meshgrid(np.linspace(0, 1, 96), np.linspace(0, 1, 64))
    hues = [0.5 + 0.5 * np.cos(6.28 * (across + turn)) for turn in (0, 1 / 3, 2 / 3)]
    values = np.stack(hues, -1) * down[..., None] * 255
    return Image.fromarray(values.astype(np.uint8))
