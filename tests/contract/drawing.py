"""Images and texts for the golden files, drawn with Pillow alone."""

from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFilter

from tests.drawn_images import boxes, soft_ground

XMP = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li>'
    "<rdf:li>caf\u00e9</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="w"?>'
)


def shapes(folder: Path) -> Path:
    """Draw images of shapes, texts, tables, and files that cannot be used (in part)."""
    for name in ("2020", "2021"):
        (folder / name).mkdir(parents=True)
    large = _shape("ellipse", "#d22222", 8)
    large.save(folder / "2020" / "red circle.jpg", quality=95, exif=camera())
    _shape("ellipse", "#d22222").save(folder / "2021" / "red circle.png")
    again = (folder / "2021" / "red circle.png").read_bytes()
    (folder / "2021" / "red circle again.png").write_bytes(again)
    _shape("rectangle", "#2244dd").save(folder / "2020" / "blue square.png", exif=camera(35.0))
    _shape("ellipse", "#22aa44").save(folder / "2021" / "v\u00e9lo vert.png")
    _shape("rectangle", "#ddbb22").save(folder / "2021" / "gone.png")
    texts(folder)
    (folder / "broken.jpg").write_bytes((folder / "2020" / "red circle.jpg").read_bytes()[:300])
    (folder / "holiday.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    return folder


def texts(folder: Path) -> None:
    """Write a note and two tables; of one a line cannot be read."""
    (folder / "note.txt").write_bytes(b"A red kite above the hills.\n\nIt turns on the wind.\n")
    (folder / "table.csv").write_bytes(b"id,caption\n1,a red circle\n2,a blue square\n")
    (folder / "rows.jsonl").write_bytes(b'{"caption": "a dog"}\n{"caption": \n')


def camera(latitude: float = 46.9) -> Image.Exif:
    """Make what a camera writes into an image."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.Base.Model] = "EOS R6"
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = "2020:06:01 12:00:00"
    inner[ExifTags.Base.LensModel] = "RF 35mm"
    place = {1: "N", 2: (latitude, 0.0, 0.0), 3: "E", 4: (7.4, 0.0, 0.0)}
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(place)
    return exif


def photo(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Draw a scene of many shapes over a soft ground; no two seeds are alike."""
    rng = np.random.default_rng(seed)
    image = soft_ground(rng, size)
    draw = ImageDraw.Draw(image)
    for box, colour in boxes(rng, size, 120, (6, 50)):
        draw.ellipse(box, colour)
    return image.filter(ImageFilter.GaussianBlur(0.8))


def copies(folder: Path) -> Path:
    """Draw photos of which some are copies, smaller, turned over, cut, or hold and say more."""
    for name in ("backup", "a", "b"):
        (folder / name).mkdir(parents=True)
    first = photo(1)
    first.save(folder / "first.png")
    (folder / "backup" / "first (1).png").write_bytes((folder / "first.png").read_bytes())
    first.resize((160, 120)).save(folder / "small.jpg", quality=95, xmp=XMP.encode())
    # Smaller than its original: of equal size, the encoder would say which is kept.
    turned = first.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((280, 210))
    turned.save(folder / "mirrored.png")
    first.crop((60, 40, 280, 220)).save(folder / "crop.png")
    for name in ("a", "b"):
        photo(2).save(folder / name / "P.png")
        (folder / name / "P.MOV").write_bytes(f"video {name}".encode())
    photo(3, (640, 480)).save(folder / "still.jpg", quality=95)
    motion = folder / "motion.jpg"
    photo(3, (640, 480)).resize((320, 240)).save(motion, quality=95)
    motion.write_bytes(motion.read_bytes() + _box(b"ftyp", b"mp42" + bytes(4)) + _box(b"moov"))
    photo(4).save(folder / "alone.png")
    return folder


def recorded(folder: Path) -> Path:
    """Draw the files of the library that is kept with the tests, as small as they can be."""
    folder.mkdir()
    _shape("ellipse", "#d22222").save(folder / "red circle.jpg", exif=camera())
    again = (folder / "red circle.jpg").read_bytes()
    (folder / "red circle again.jpg").write_bytes(again)
    _shape("rectangle", "#2244dd").save(folder / "blue square.png")
    _shape("ellipse", "#22aa44").save(folder / "v\u00e9lo vert.png")
    _shape("rectangle", "#ddbb22").save(folder / "gone.png")
    _shape("rectangle", "#dd22bb").save(folder / "draft.png")
    texts(folder)
    (folder / "broken.jpg").write_bytes((folder / "red circle.jpg").read_bytes()[:300])
    for seed in (1, 2):
        large = photo(seed, (240, 180))
        large.save(folder / f"photo {seed}.jpg", quality=70)
        large.resize((160, 120)).save(folder / f"photo {seed} small.jpg", quality=70)
    photo(1, (240, 180)).crop((40, 30, 210, 160)).save(folder / "photo 1 cut.jpg", quality=70)
    return folder


def _box(kind: bytes, data: bytes = bytes(400)) -> bytes:
    return (8 + len(data)).to_bytes(4) + kind + data


def _shape(kind: str, colour: str, edge: int = 20) -> Image.Image:
    image = Image.new("RGB", (96, 96), "white")
    draw = ImageDraw.Draw(image)
    (draw.ellipse if kind == "ellipse" else draw.rectangle)(
        (edge, edge, 96 - edge, 96 - edge), colour
    )
    return image
