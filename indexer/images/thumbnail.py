"""The small copy of an image that result lists and contact sheets show."""

from io import BytesIO

from PIL import Image

THUMBNAIL_SIDE = 512  # pixels of the long side
LEAST_SIDE = 480  # of a decoder's own scaling: what 4000 pixels are by eight is enough to look at
_QUALITY = 80
_EFFORT = 0  # of 6: runs on every photo, and 1 takes a quarter longer for files 6 % smaller


def thumbnail(image: Image.Image) -> bytes:
    """Encode an image as WebP with a long side of at most 512 pixels; none is enlarged.

    Takes an upright RGB image and leaves it as it is.
    """
    longest = max(image.size)
    if longest > THUMBNAIL_SIDE:
        width, height = (max(1, round(side * THUMBNAIL_SIDE / longest)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    encoded = BytesIO()
    image.save(encoded, "WEBP", quality=_QUALITY, method=_EFFORT)
    return encoded.getvalue()
