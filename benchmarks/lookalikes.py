"""Look-alikes: drawn images that differ in one word, one number or one small object.

Documents, receipts, chats, slides, sheets, screenshots, frames of a fixed camera and bursts. Of
each family there is a base, three variants of it, and true re-encodings of these: what has the
same `truth` shows the same, whatever else two files have in common. Everything follows from the
seed.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFilter, ImageFont

VARIANTS = ("base", "word", "number", "object")
# What is made of a variant, each time with the next of these; the base has three, "word" two.
ENCODINGS = (
    ("jpeg q20", "JPEG", 20, 1.0),
    ("webp q80", "WEBP", 80, 1.0),
    ("three quarters, q85", "JPEG", 85, 0.75),
    ("jpeg q50", "JPEG", 50, 1.0),
    ("half, q90", "JPEG", 90, 0.5),
    ("png", "PNG", 0, 1.0),
    ("jpeg q30", "JPEG", 30, 1.0),
    ("jpeg q75", "JPEG", 75, 1.0),
)
_OF_A_DESIGN = 5  # families that have their design in common
_COPIES = {"base": 3, "word": 2, "number": 1, "object": 0}
_WORDS = (
    "amber anchor bakery basket bridge button candle carbon castle cellar copper cotton dealer "
    "dinner engine fabric falcon garden ginger hammer harbor island jacket kettle ladder lantern "
    "leather marble meadow mirror napkin needle orange oyster paddle parcel pebble pepper pillow "
    "pocket potato rabbit ribbon rocket saddle saffron sailor silver socket spider summer temple "
    "ticket timber tunnel turkey velvet violet walnut window winter yellow"
).split()


@dataclass(frozen=True, slots=True)
class Drawn:
    """One file to be: what kind of image it is, what it shows, how it was made, its bytes."""

    kind: str
    truth: str  # two files of one truth show the same
    made: str  # "original", or the name of the encoding
    suffix: str
    content: bytes


@dataclass
class Contents:
    """The words, numbers and objects of one image, one of which a variant changes.

    `design` draws what several families have in common: a letterhead, a wall behind a car.
    """

    rng: np.random.Generator
    design: np.random.Generator
    variant: str
    _calls: dict[str, int] = field(default_factory=dict)
    _place: int = 0

    def __post_init__(self) -> None:
        self._place = int(self.rng.integers(2, 7))

    def word(self, letters: int = 0) -> str:
        """Return the next word; in the variant "word" one of them is another."""
        chosen = _WORDS[int(self.rng.integers(len(_WORDS)))]
        other = _WORDS[int(self.rng.integers(len(_WORDS)))]
        if not self._changes("word"):
            return chosen
        return other if other != chosen else chosen[::-1]

    def words(self, count: int) -> str:
        """Return several words."""
        return " ".join(self.word() for _ in range(count))

    def number(self, digits: int = 4) -> str:
        """Return the next number as its digits; in "number" one digit of one of them is another."""
        written = [str(int(digit)) for digit in self.rng.integers(0, 10, digits)]
        place, other = int(self.rng.integers(digits)), int(self.rng.integers(1, 10))
        if self._changes("number"):
            written[place] = str((int(written[place]) + other) % 10)
        return "".join(written)

    def amount(self) -> str:
        """Return a sum of money."""
        digits = self.number(5)
        return f"{digits[:3].lstrip('0') or '0'}.{digits[3:]}"

    @property
    def marked(self) -> bool:
        """Return whether the small object is there: it is in the variant "object" alone."""
        return self.variant == "object"

    def _changes(self, what: str) -> bool:
        self._calls[what] = self._calls.get(what, 0) + 1
        return self.variant == what and self._calls[what] == self._place


Draw = Callable[[Contents], Image.Image]


def lookalikes(families: int, seed: int = 0) -> Iterator[Drawn]:
    """Draw ten files for each of `families` families of every kind."""
    for kind, draw in KINDS.items():
        for family in range(families):
            yield from _family(kind, draw, family, seed)


def _family(kind: str, draw: Draw, family: int, seed: int) -> Iterator[Drawn]:
    place = list(KINDS).index(kind)
    following = family
    for number, variant in enumerate(VARIANTS):
        rng = np.random.default_rng((seed, place, family))
        design = np.random.default_rng((seed, place, family // _OF_A_DESIGN, 0, 0))
        image = draw(Contents(rng, design, variant))
        if kind in _SHOT:  # every exposure has its own noise
            image = _exposed(image, np.random.default_rng((seed, place, family, number)))
        truth = f"{kind} {family} {variant}"
        yield _original(kind, truth, image, family)
        for _ in range(_COPIES[variant]):
            yield _encoded(kind, truth, image, ENCODINGS[following % len(ENCODINGS)])
            following += 1


def _original(kind: str, truth: str, image: Image.Image, family: int) -> Drawn:
    stream = io.BytesIO()
    if kind in _SHOT or family % 3 == 0:
        exif = Image.Exif()
        if kind == "burst":
            exif[ExifTags.Base.Model] = "Box 1"
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2021:06:06 10:00:00"
        image.save(stream, "JPEG", quality=92, exif=exif)
        return Drawn(kind, truth, "original", "jpg", stream.getvalue())
    image.save(stream, "PNG", compress_level=1)
    return Drawn(kind, truth, "original", "png", stream.getvalue())


def _encoded(kind: str, truth: str, image: Image.Image, how: tuple[str, str, int, float]) -> Drawn:
    name, form, quality, share = how
    if share != 1:
        size = (round(image.width * share), round(image.height * share))
        image = image.resize(size, Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    more = {"compress_level": 6} if form == "PNG" else {"quality": quality}
    image.save(stream, form, **more)
    return Drawn(kind, truth, name, form.lower().replace("jpeg", "jpg"), stream.getvalue())


def _exposed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    shot = np.asarray(image, np.float32)
    grain = rng.normal(0, 3.5, (*shot.shape[:2], 1)) + rng.normal(0, 1.5, shot.shape)
    return Image.fromarray(np.clip(shot + grain, 0, 255).astype(np.uint8))


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _invoice(given: Contents) -> Image.Image:
    rng = given.design
    image = Image.new("RGB", (1240, 1754), (250, 249, 246))
    draw = ImageDraw.Draw(image)
    ink = tuple(int(level) for level in rng.integers(10, 70, 3))
    for _ in range(int(rng.integers(0, 5))):  # the letterhead
        left, top = int(rng.integers(60, 900)), int(rng.integers(30, 110))
        colour = tuple(int(level) for level in rng.integers(0, 256, 3))
        draw.rectangle((left, top, left + 260, top + 40), colour)
    draw.text((90, 150), given.words(2).upper(), ink, _font(56))
    draw.text((90, 250), f"No. {given.number(6)}", ink, _font(24))
    for line in range(24):
        top = 330 + line * 48
        draw.text((90, top), f"{line + 1:02}  {given.words(4)}", ink, _font(24))
        draw.text((1000, top), given.amount(), ink, _font(24))
    if given.marked:
        draw.ellipse((820, 1560, 900, 1640), outline=(150, 40, 40), width=5)
    draw.text((90, 1680), given.words(6), ink, _font(18))
    return image


def _receipt(given: Contents) -> Image.Image:
    image = Image.new("RGB", (620, 1300), (243, 241, 236))
    draw = ImageDraw.Draw(image)
    draw.text((180, 40), given.words(1).title(), (40, 40, 44), _font(60))
    for line in range(26):
        top = 160 + line * 38
        draw.text((40, top), given.words(2), (60, 60, 64), _font(22))
        draw.text((470, top), given.amount(), (60, 60, 64), _font(22))
    draw.text((40, 1180), f"TOTAL   {given.amount()}", (30, 30, 32), _font(34))
    if given.marked:
        draw.line((560, 1185, 575, 1205, 600, 1165), (60, 60, 150), 4)
    ground = given.rng.normal(0, 2, (1300, 620, 1))
    return Image.fromarray(np.clip(np.asarray(image) + ground, 0, 255).astype(np.uint8))


def _chat(given: Contents) -> Image.Image:
    rng = given.design
    image = Image.new("RGB", (1080, 2220), (236, 229, 221))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1080, 180), (7, 94, 84))
    draw.text((150, 70), given.words(1).title(), "white", _font(54))
    for place in range(12):
        top, wide = 220 + place * 160, int(rng.integers(560, 900))
        left = 40 if rng.random() < 0.5 else 1040 - wide
        fill = (255, 255, 255) if left == 40 else (220, 248, 198)
        draw.rounded_rectangle((left, top, left + wide, top + 130), 24, fill)
        written = f"{given.words(3)} {given.number(3)}"
        draw.text((left + 24, top + 24), written, (30, 30, 30), _font(38))
        draw.text((left + wide - 110, top + 92), given.number(4), (130, 130, 130), _font(24))
        if given.marked and place == 7:
            draw.ellipse((left + wide - 60, top + 20, left + wide - 30, top + 50), (230, 160, 30))
    return image


def _slide(given: Contents) -> Image.Image:
    rng = given.design
    dark = tuple(int(level) for level in rng.integers(10, 90, 3))
    image = Image.new("RGB", (1920, 1080), dark)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1920, 150), tuple(int(level) for level in rng.integers(120, 250, 3)))
    draw.text((80, 40), given.words(3).title(), "white", _font(64))
    for line in range(5):
        draw.text((100, 240 + line * 110), f"- {given.words(3)}", "white", _font(46))
    draw.rectangle((1150, 240, 1840, 900), (232, 232, 232))
    for bar in range(6):
        high = int(given.rng.integers(120, 540))
        high += 40 if given.marked and bar == 3 else 0
        left = 1200 + bar * 105
        draw.rectangle((left, 880 - high, left + 70, 880), (70, 120, 190))
        draw.text((left, 910), given.number(2), "white", _font(32))
    return image


def _sheet(given: Contents) -> Image.Image:
    rows, columns = 26, 8
    image = Image.new("RGB", (1400, 860), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1400, 34), (230, 236, 230))
    for row in range(rows):
        top = 40 + row * 31
        draw.line((0, top - 4, 1400, top - 4), (214, 214, 214))
        draw.text((12, top), given.words(1), (20, 20, 20), _font(18))
        for column in range(1, columns):
            left = column * 172
            if given.marked and (row, column) == (9, 4):
                draw.rectangle((left - 6, top - 3, left + 160, top + 25), (255, 244, 170))
            draw.text((left + 60, top), given.amount(), (20, 20, 20), _font(18))
    for column in range(1, columns):
        draw.line((column * 172 - 8, 0, column * 172 - 8, 860), (214, 214, 214))
    return image


def _window(given: Contents) -> Image.Image:
    image = Image.new("RGB", (1366, 768), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1366, 44), (47, 62, 82))
    draw.text((16, 12), "Mail   File   Edit   View   Help", "white", _font(20))
    draw.rectangle((0, 44, 250, 768), (230, 233, 238))
    for row, name in enumerate(("Inbox", "Sent", "Drafts", "Archive", "Spam", "Trash")):
        top = 66 + row * 48
        on = given.marked and row == 2
        draw.ellipse((18, top, 40, top + 22), (240, 120, 60) if on else (91, 125, 177))
        draw.text((54, top), f"{name} ({given.number(2)})", (34, 34, 34), _font(20))
    for row in range(17):
        top = 60 + row * 41
        draw.text((280, top), given.words(6), (34, 34, 34), _font(19))
        draw.text((1240, top), given.number(4), (110, 110, 110), _font(17))
        draw.line((270, top + 32, 1350, top + 32), (216, 220, 226))
    return image


def _street(given: Contents, size: tuple[int, int]) -> Image.Image:
    """Draw what a camera sees: soft light, and some hundred things of all sizes."""
    rng = given.design
    coarse = rng.integers(50, 205, (6, 8, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(120):
        left, top = (int(rng.integers(0, side)) for side in size)
        wide, high = (int(side) for side in rng.integers(10, 130, 2))
        colour = tuple(int(level) for level in rng.integers(20, 235, 3))
        shape = draw.ellipse if rng.random() < 0.4 else draw.rectangle
        shape((left, top, left + wide, top + high), colour)
    return image


def _camera(given: Contents) -> Image.Image:
    image = _street(given, (1280, 720))
    draw = ImageDraw.Draw(image)
    at = int(given.rng.integers(40, 900)) + 90 * (given.variant == "word")  # the car
    draw.rectangle((at, 560, at + 46, 584), (150, 30, 30))
    draw.ellipse((at + 6, 580, at + 16, 590), (20, 20, 20))
    draw.ellipse((at + 30, 580, at + 40, 590), (20, 20, 20))
    if given.marked:  # somebody far off
        draw.ellipse((900, 500, 910, 510), (60, 50, 45))
        draw.rectangle((898, 510, 912, 540), (40, 60, 90))
    image = image.filter(ImageFilter.GaussianBlur(0.8))
    clock = " ".join(given.number(2) for _ in range(7))
    ImageDraw.Draw(image).text((20, 14), clock, "white", _font(26), stroke_width=1)
    return image


def _burst(given: Contents) -> Image.Image:
    image = _street(given, (1200, 900))
    draw = ImageDraw.Draw(image)
    shirt = tuple(int(level) for level in given.rng.integers(0, 256, 3))
    draw.rectangle((430, 560, 770, 900), shirt)
    draw.ellipse((480, 250, 720, 560), (224, 180, 150))
    for left in (550, 640):
        if given.variant == "word":  # closed eyes
            draw.line((left - 14, 380, left + 14, 380), (120, 80, 70), 4)
        else:
            draw.ellipse((left - 14, 370, left + 14, 390), "white")
            draw.ellipse((left - 7, 373, left + 7, 387), (40, 60, 120))
    if given.variant == "number":  # and a smile
        draw.arc((560, 440, 640, 500), 20, 160, (150, 60, 60), 5)
    else:
        draw.line((570, 480, 630, 480), (150, 60, 60), 5)
    if given.marked:  # a bird
        draw.line((1010, 120, 1024, 132, 1040, 118), (30, 30, 30), 4)
    return image.filter(ImageFilter.GaussianBlur(0.8))


_SHOT = frozenset({"camera", "burst"})
KINDS: dict[str, Draw] = {
    "document": _invoice,
    "receipt": _receipt,
    "chat": _chat,
    "slide": _slide,
    "sheet": _sheet,
    "screenshot": _window,
    "camera": _camera,
    "burst": _burst,
}
