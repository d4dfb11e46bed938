"""The kind of a file, by its name or, if that is not enough, by its first bytes."""

import os.path
from typing import Literal

FileKind = Literal["image", "text", "table"]

HEAD_BYTES = 32  # enough for every signature below

_IMAGES = frozenset(
    ".jpg .jpeg .jpe .jfif .jif .mpo .png .apng .webp .tif .tiff .gif .bmp .dib .avif .avifs "
    ".heic .heics .heif .heifs .hif .jp2 .j2k .j2c .jpc .jpf .jpx .jxl".split()
)
_TEXTS = frozenset((".txt", ".md"))
_TABLES = frozenset((".jsonl", ".csv"))

# Never opened. RAW files carry TIFF or ISO-media signatures, so that their content would pass
# for a small TIFF (the embedded preview) or fail as one. The others lie beside photos in great
# numbers and cannot hold one; .thm is a JPEG, but only the still of the video beside it.
_RAW = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef .nrw "
    ".orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
_COMPANIONS = frozenset(
    ".aae .avi .html .json .lrv .m4v .mkv .mov .mp3 .mp4 .pdf .thm .wav .xml .xmp .zip".split()
)

_ISO_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm"), "HEIF"),
    **dict.fromkeys((b"hevs", b"mif1", b"msf1"), "HEIF"),
}
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (b"\xff\x0a", "JXL"),
)
_DIB_HEADERS = frozenset((12, 16, 40, 52, 56, 64, 108, 124))  # sizes the BMP header can have


def needs_head(name: str) -> bool:
    """Return whether the name is not enough to classify a file."""
    extension = _extension(name)
    return not any(extension in known for known in (_IMAGES, _TEXTS, _TABLES, _RAW, _COMPANIONS))


def is_raw(name: str) -> bool:
    """Return whether the name is that of a camera's raw format."""
    return _extension(name) in _RAW


def may_be_image(name: str) -> bool:
    """Return whether a file with such a name may hold an image, also one that is not read."""
    extension = _extension(name)
    return not any(extension in known for known in (_TEXTS, _TABLES, _COMPANIONS))


def classify(name: str, head: bytes = b"") -> FileKind | None:
    """Return the kind of a file, or None for one that is not indexed.

    A known extension decides (whether the content keeps its promise is seen when it is
    decoded); otherwise the first `HEAD_BYTES` bytes do.
    """
    extension = _extension(name)
    if extension in _IMAGES:
        return "image"
    if extension in _TEXTS:
        return "text"
    if extension in _TABLES:
        return "table"
    return "image" if needs_head(name) and signature(head) else None


def signature(head: bytes) -> str | None:
    """Return the image format of the first bytes, such as "JPEG", or None."""
    for magic, name in _SIGNATURES:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _ISO_BRANDS.get(head[8:12])
    # "BM" alone begins too many other files.
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _DIB_HEADERS:
        return "BMP"
    return None


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower()
