"""The items, tracks and boxes of HEIF and AVIF files: what is shown, and what is held besides."""

import struct
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from search.dedup.extras import Contents
from tests.search.dedup.extras.containers import (
    NOISE,
    box,
    contents,
    drawn,
    encoded,
    full,
    kinds,
    video,
)

Item = tuple[int, bytes, str | None]  # number, type, URN of an auxiliary image
Reference = tuple[bytes, int, Sequence[int]]


def heic(
    items: Sequence[Item], references: Sequence[Reference] = (), primary: int = 1, more: bytes = b""
) -> bytes:
    """Make a HEIC whose item n has 100 + n bytes of its own."""
    ftyp = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    entries = [
        full(b"infe", struct.pack(">HH4s", number, 0, kind), b"\0", version=2)
        for number, kind, _ in items
    ]
    urns = [(number, urn) for number, _, urn in items if urn]
    ipma = b"".join(struct.pack(">HBB", n, 1, 0x80 | place) for place, (n, _) in enumerate(urns, 1))
    parts = [
        full(b"hdlr", bytes(4), b"pict", bytes(13)),
        full(b"pitm", struct.pack(">H", primary)),
        full(b"iinf", struct.pack(">H", len(items)), *entries),
        full(
            b"iref",
            *(box(k, struct.pack(f">HH{len(t)}H", f, len(t), *t)) for k, f, t in references),
        ),
        box(
            b"iprp",
            box(b"ipco", *(full(b"auxC", urn.encode() + b"\0") for _, urn in urns)),
            full(b"ipma", struct.pack(">I", len(urns)), ipma),
        ),
    ]

    def meta(start: int) -> bytes:
        located, at = [], start
        for number, _, _ in items:
            located.append(struct.pack(">HHHII", number, 0, 1, at, 100 + number))
            at += 100 + number
        iloc = full(b"iloc", b"\x44\0", struct.pack(">H", len(items)), *located)
        return full(b"meta", *parts, iloc)

    head = len(ftyp) + len(meta(0)) + 8
    data = b"".join(bytes([number]) * (100 + number) for number, _, _ in items)
    return ftyp + meta(head) + box(b"mdat", data) + more


APPLE = "urn:com:apple:photo:"
PHOTO: list[Item] = [(1, b"grid", None), (2, b"hvc1", None), (3, b"hvc1", None)]
TILES: list[Reference] = [(b"dimg", 1, (2, 3))]


@pytest.mark.parametrize(
    "data",
    [
        heic([(1, b"hvc1", None)]),
        heic(PHOTO, TILES),
        heic([*PHOTO, (4, b"hvc1", None)], [*TILES, (b"thmb", 4, (1,))]),
        heic([*PHOTO, (4, b"Exif", None), (5, b"mime", None)], [*TILES, (b"cdsc", 4, (1,))]),
        heic(PHOTO, TILES, more=box(b"free", bytes(9000))),
    ],
)
def test_one_image_with_its_tiles_and_thumbnail_holds_nothing_more(
    tmp_path: Path, data: bytes
) -> None:
    assert contents(tmp_path, data) == Contents()


@pytest.mark.parametrize(
    ("urn", "kind"),
    [
        ("urn:mpeg:hevc:2015:auxid:1", "transparency"),
        ("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "transparency"),
        ("urn:mpeg:hevc:2015:auxid:2", "depth map"),
        ("urn:mpeg:mpegB:cicp:systems:auxiliary:depth", "depth map"),
        (APPLE + "2018:aux:portraiteffectsmatte", "matte"),
        (APPLE + "2019:aux:semanticskinmatte", "matte"),
        (APPLE + "2020:aux:hdrgainmap", "gain map"),
        (APPLE + "2099:aux:somethingnew", "image"),
    ],
)
def test_auxiliary_images_are_named_and_known_again(tmp_path: Path, urn: str, kind: str) -> None:
    data = heic([*PHOTO, (4, b"hvc1", urn)], [*TILES, (b"auxl", 4, (1,))])
    [extra] = contents(tmp_path, data).extras
    assert (extra.kind, extra.bytes) == (kind, 104)
    other = heic([(1, b"hvc1", None), (4, b"hvc1", urn)], [(b"auxl", 4, (1,))])
    assert contents(tmp_path, other).extras == (extra,)


def test_an_auxiliary_image_of_tiles_is_one(tmp_path: Path) -> None:
    depth: list[Item] = [(4, b"grid", "urn:mpeg:hevc:2015:auxid:2"), (5, b"hvc1", None)]
    data = heic([*PHOTO, *depth], [*TILES, (b"auxl", 4, (1,)), (b"dimg", 4, (5,))])
    [extra] = contents(tmp_path, data).extras
    assert (extra.kind, extra.bytes) == ("depth map", 104 + 105)


@pytest.mark.parametrize("primary", [1, 4])
def test_a_gain_map_of_iso_21496_is_one_whichever_form_comes_first(
    tmp_path: Path, primary: int
) -> None:
    toned: list[Item] = [(4, b"tmap", None), (5, b"hvc1", None)]
    data = heic([*PHOTO, *toned], [*TILES, (b"dimg", 4, (1, 5))], primary)
    assert kinds(tmp_path, data) == ["gain map"]


def test_further_images_are_counted_by_what_they_are_made_of(tmp_path: Path) -> None:
    more: list[Item] = [(4, b"grid", None), (5, b"hvc1", None), (6, b"hvc1", None)]
    data = heic([*PHOTO, *more], [*TILES, (b"dimg", 4, (5,)), (b"thmb", 6, (4,))])
    assert kinds(tmp_path, data) == ["image"]


def encoded_heif(*images: Image.Image) -> bytes:
    first, *others = images
    held = pillow_heif.from_pillow(first)
    for image in others:
        held.add_from_pillow(image)
    stream = BytesIO()
    held.save(stream)
    return stream.getvalue()


def test_several_images_as_a_library_writes_them(tmp_path: Path) -> None:
    images = [drawn((64, 64), colour) for colour in ("teal", "red", "gold")]
    assert kinds(tmp_path, encoded_heif(*images)) == ["image", "image"]
    assert kinds(tmp_path, encoded_heif(images[0])) == []


def test_an_animated_avif_has_frames(tmp_path: Path) -> None:
    more = [drawn((64, 64), colour) for colour in ("red", "gold")]
    data = encoded("AVIF", drawn((64, 64)), save_all=True, append_images=more)
    assert [(each.kind, each.count) for each in contents(tmp_path, data).extras] == [("frame", 2)]
    assert kinds(tmp_path, encoded("AVIF", drawn((64, 64)))) == []


def test_a_transparent_one_is_seen_to_be(tmp_path: Path) -> None:
    image = drawn((64, 64), "#11223344", "RGBA")
    found = contents(tmp_path, encoded_heif(image))
    assert found.transparent and found.kinds == {"transparency"}


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        (box(b"mpvd", video()), "video"),
        (box(b"sefd", b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + video()), "video"),
        (video(), "video"),
        (box(b"uuid", bytes(16), NOISE), "data"),
        (NOISE, "data"),
        (b"PK\x03\x04...", "data"),
    ],
)
def test_what_other_boxes_hold_is_found(tmp_path: Path, more: bytes, kind: str) -> None:
    assert kinds(tmp_path, heic(PHOTO, TILES, more=more)) == [kind]


def track(handler: bytes, samples: int) -> bytes:
    sizes = full(b"stsz", struct.pack(">II", 8, samples))
    media = [full(b"hdlr", bytes(4), handler, bytes(13)), box(b"minf", box(b"stbl", sizes))]
    return box(b"trak", full(b"tkhd", bytes(80)), box(b"mdia", *media))


@pytest.mark.parametrize(
    ("tracks", "found"),
    [
        ([track(b"pict", 12)], [("frame", 11)]),
        ([track(b"pict", 12), track(b"auxv", 12)], [("frame", 11)]),
        ([track(b"pict", 1)], []),
        ([track(b"vide", 3), track(b"soun", 90)], [("audio", None), ("frame", 2)]),
    ],
)
def test_an_image_sequence_tells_its_frames(
    tmp_path: Path, tracks: list[bytes], found: list[tuple[str, int | None]]
) -> None:
    data = box(b"ftyp", b"msf1", bytes(4), b"hevc") + box(b"moov", *tracks)
    assert [(each.kind, each.count) for each in contents(tmp_path, data).extras] == found


@pytest.mark.parametrize(
    "data",
    [
        box(b"ftyp", b"heic", bytes(4), b"mif1") + box(b"mdat", NOISE),
        heic(PHOTO, TILES)[:200],
        heic(PHOTO, TILES).replace(b"iinf", b"iin\0"),
        heic(PHOTO, TILES)[:-350] + struct.pack(">I", 0) + b"mdat" + video(),
    ],
)
def test_one_that_is_not_understood_may_hold_more(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == ["unknown"]
