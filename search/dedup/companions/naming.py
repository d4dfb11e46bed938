"""The naming rules of cameras, phones and programs for the companions of an image.

Files of one name are one object to a camera (DCF 2.0, JEITA CP-3461B, 5.3); Apple's Live Photos
are an image and a .mov of one name, their edits IMG_E1234 with IMG_1234.AAE; sidecars are
"photo.xmp" (XMP Specification Part 3, 3) or "photo.jpg.xmp", for darktable's further versions
"photo_01.jpg.xmp"; Google Takeout cuts the names of its .json files to 46 characters.
"""

import os
import re
from collections.abc import Iterator

from indexer.images.file_kind import is_raw
from indexer.images.metadata.sidecars import folded as folded

_VIDEOS = frozenset(".mov .mp4 .m4v .mp .avi .3gp .mpg .mpeg .mts .lrv .lrf .insv".split())
_SIDECARS = frozenset(
    (
        ".xmp .aae .thm .wav .mp3 .m4a .json .xml .pp3 .dop .vrd .nksc .cos .exv .mie "
        ".acr .on1 .arp .yml .yaml .srt .gpx .jgw .pgw .tfw .wld"
    ).split()
)
_LAYERED = frozenset((".psd", ".psb", ".xcf"))  # sources of exported images
_OTHERS = _VIDEOS | _SIDECARS | _LAYERED
_TAKEOUT = ".supplemental-metadata"
_TAKEOUT_LONGEST = 46  # characters of a name before ".json"
_NUMBERED = re.compile(r"(.*)(\(\d+\))")
_EDITED = "-edited"  # Takeout's suffix for images edited in Google Photos
_JSON, _AAE, _MP = frozenset((".json",)), frozenset((".aae",)), frozenset((".mp",))
_VERSION = re.compile(r"(.+)_\d{2,}(\.[^.]+)\.xmp")
_APPLE = re.compile(r"(img_)(e?)(\d+.*)")


def is_companion(name: str) -> bool:
    """Return whether a file of this name is no image itself and may belong to one."""
    return is_raw(name) or os.path.splitext(name)[1].lower() in _OTHERS


def belongs(companion: str, image: str) -> bool:
    """Return whether a companion belongs to an image, both given by name."""
    if original(companion) == folded(image):
        return True
    stem, extension = os.path.splitext(folded(companion))
    forms = stems(image)
    allowed = forms.get(stem, frozenset())
    return is_companion(companion) and (allowed is None or extension in allowed)


def original(companion: str) -> str | None:
    """Return the folded name of the image for a darktable sidecar of a further version of it.

    Return None for other names. An image itself may have a name like that of a version.
    """
    version = _VERSION.fullmatch(folded(companion))
    return version[1] + version[2] if version else None


def stems(image: str) -> dict[str, frozenset[str] | None]:
    """Return the folded stems that companions of an image may have.

    The values are the extensions allowed with a stem, None for those of all companions.
    """
    name = folded(image)
    stem, extension = os.path.splitext(name)
    forms: dict[str, frozenset[str] | None] = dict.fromkeys(_takeout(stem, extension), _JSON)
    if apple := _APPLE.fullmatch(stem):
        start, edited, number = apple.groups()
        forms[f"{start}o{number}"] = _AAE
        if edited:
            forms[start + number] = _AAE
    if stem.endswith(".mp"):  # PXL_1.MP.jpg and the video PXL_1.MP
        forms[stem.removesuffix(".mp")] = _MP
    return forms | {stem: None, name: None}


def _takeout(stem: str, extension: str) -> Iterator[str]:
    """Yield the stems of .json files that Google Takeout may write for an image."""
    number = ""
    if found := _NUMBERED.fullmatch(stem):  # of "a(1).jpg" it is "a.jpg(1).json"
        stem, number = found.groups()
    for original in {stem, stem.removesuffix(_EDITED)}:
        name = original + extension
        whole = name + _TAKEOUT
        for length in range(min(len(name), _TAKEOUT_LONGEST), len(whole) + 1):
            yield whole[:length] + number
