"""Whatever the bytes: nothing is raised, and what is not understood may hold more."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from indexer.images.decode import FORMATS
from search.dedup.extras import UNKNOWN, Contents, read
from tests.search.dedup.extras.containers import (
    NOISE,
    box,
    chunk,
    contents,
    drawn,
    encoded,
    tiff_bytes,
    video,
    with_segments,
    xmp,
)

FRAMES = [drawn(colour=colour) for colour in ("red", "gold")]
WHOLE = [
    with_segments(xmp("<x>")) + encoded("JPEG") + video(90),
    encoded("MPO", save_all=True, append_images=FRAMES),
    *(
        encoded(form, save_all=True, append_images=FRAMES)
        for form in ("GIF", "PNG", "WEBP", "AVIF")
    ),
    tiff_bytes([[(256, 3, [9]), (330, 4, [-2])], [(256, 3, [9])], [(37724, 7, NOISE)]]),
    encoded("HEIF", drawn((64, 64))),
    encoded("BMP"),
    encoded("JPEG2000", drawn((64, 64))),
    encoded("JXL", use_container=True),
]


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"image", NOISE, b"\0\0\0\x18ftypmp42" + NOISE, b"RIFF\0\0\0\0WAVE"]
)
def test_what_is_no_image_is_unknown(tmp_path: Path, data: bytes) -> None:
    assert contents(tmp_path, data) == UNKNOWN


def test_what_cannot_be_opened_is_unknown(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        assert read(str(path)) == UNKNOWN
    assert read("\0") == UNKNOWN


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6),
    st.floats(0, 1),
)
def test_no_damage_makes_it_fail(
    tmp_path_factory: pytest.TempPathFactory,
    data: bytes,
    damage: list[tuple[float, bytes]],
    left: float,
) -> None:
    spoilt = bytearray(data)
    for place, new in damage:
        at = int(place * len(spoilt))
        spoilt[at : at + len(new)] = new
    cut = bytes(spoilt[: int(left * len(spoilt)) if left < 0.7 else None])
    assert isinstance(contents(tmp_path_factory.mktemp("any"), cut), Contents)


def test_files_that_would_take_for_ever_are_given_up(tmp_path: Path) -> None:
    """Structures that make a careless reader go over the file again and again."""
    tags = b"".join(
        (330).to_bytes(2, "little") + b"\4\0" + (200_000).to_bytes(4, "little") + bytes(4)
        for _ in range(4000)
    )
    begun = time.monotonic()
    directories = b"".join((4000).to_bytes(2, "little") + tags + bytes(4) for _ in range(20))
    contents(tmp_path, b"II*\0\x08\0\0\0" + directories)
    contents(tmp_path, encoded("JPEG") + b"\xff\xd8\xff\xe0\0\x04ab" * 200_000)
    contents(tmp_path, encoded("JPEG") + b"\xff\xd8\xff\xda\0\x02" * 200_000)
    contents(tmp_path, encoded("PNG")[:-12] + chunk(b"abCd") * 300_000)
    contents(tmp_path, box(b"ftyp", b"heic") + box(b"meta", bytes(4), box(b"abcd") * 300_000))
    contents(tmp_path, b"GIF89a" + bytes(7) + b"\x21\xff\0" * 500_000)
    assert time.monotonic() - begun < 30


@pytest.mark.skipif(
    not os.environ.get("SIGHTLINE_DATA"), reason="SIGHTLINE_DATA names no folder of real files"
)
@pytest.mark.filterwarnings("ignore")
def test_real_files_are_understood() -> None:
    """Of what Pillow decodes nothing is unknown, and frames are where it finds some."""
    folder = Path(os.environ["SIGHTLINE_DATA"])
    decoded, unknown, missed = 0, [], []
    for path in sorted(folder.rglob("*")):
        try:
            with Image.open(path, formats=[each for each in FORMATS if each != "JXL"]) as image:
                several = getattr(image, "n_frames", 1) > 1
                image.load()
        except Exception:
            continue
        decoded += 1
        found = read(str(path))
        if "unknown" in found.kinds:
            unknown.append(path)
        if several and not found.kinds & {"frame", "page", "image", "unknown"}:
            missed.append(path)
    assert missed == []
    assert len(unknown) <= decoded / 100, unknown
