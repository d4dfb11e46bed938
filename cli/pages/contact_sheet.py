"""Contact sheets: the hits of a query as one image or one page."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from cli.output.render import printable
from cli.pages.html import Section, render_page
from cli.pages.tile import Tile
from storage.errors import InvalidArgument, PathNotFound

MOST_PER_IMAGE = 500

_SIDE = 232  # pixels of a tile
_GAP = 20
_CAPTION = 56
_TITLE = 64
_COLUMNS = 5
_PAPER, _TILE, _INK, _SOFT = "#faf9f7", "#ebe8e2", "#22211f", "#85817a"


def check_suffix(name: str) -> None:
    """Raise InvalidArgument unless a sheet of that name can be written."""
    if Path(name).suffix.lower() not in (".png", ".html"):
        raise InvalidArgument(
            f"--sheet {name}: a sheet is an image or a page, end it in .png or .html"
        )


def check_place(path: Path) -> None:
    """Raise PathNotFound, before any work is done, where a sheet could not be put."""
    if not path.parent.is_dir():
        raise PathNotFound(f"--sheet {path}: there is no folder {path.parent}, make it first")


def write_sheet(path: Path, title: str, tiles: Sequence[Tile]) -> None:
    """Write the hits as a PNG image or a self-contained HTML page, by the name's suffix."""
    check_suffix(path.name)
    if path.suffix.lower() == ".html":
        page = render_page(title, [Section("", tiles)])
        path.write_text(page, encoding="utf-8")
    else:
        image(title, tiles).save(path)


def image(title: str, tiles: Sequence[Tile]) -> Image.Image:
    """Draw the hits as a grid with captions, the best first; RGB."""
    if len(tiles) > MOST_PER_IMAGE:
        raise InvalidArgument(
            f"an image holds at most {MOST_PER_IMAGE} hits, not {len(tiles)}: "
            "lower -k, or write the sheet as .html"
        )
    columns = min(_COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    width = max(columns, 3) * (_SIDE + _GAP) + _GAP
    height = _TITLE + rows * (_SIDE + _CAPTION) + _GAP
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, 22), _fitted(title, 22, width - 2 * _GAP), _INK, ImageFont.load_default(22))
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        left = _GAP + column * (_SIDE + _GAP)
        _place(sheet, pen, tile, left, _TITLE + row * (_SIDE + _CAPTION))
    return sheet


def _place(sheet: Image.Image, pen: ImageDraw.ImageDraw, tile: Tile, left: int, top: int) -> None:
    pen.rectangle((left, top, left + _SIDE - 1, top + _SIDE - 1), _TILE)
    look = _look(tile)
    if look is not None:
        corner = left + (_SIDE - look.width) // 2, top + (_SIDE - look.height) // 2
        sheet.paste(look, corner)
    elif tile.text is not None:
        _write(pen, tile.text, left + 16, top + 14)
    else:
        pen.text((left + _SIDE // 2, top + _SIDE // 2), "no image", _SOFT, _font(13), anchor="mm")
    base = top + _SIDE + 6
    room = _SIDE - _font(13).getlength(tile.figure) - 8
    pen.text((left, base), _fitted(f"{tile.rank}  {tile.name}", 13, room), _INK, _font(13))
    pen.text((left + _SIDE, base), tile.figure, _SOFT, _font(13), anchor="ra")
    said = printable(tile.caption) if tile.caption else tile.taken
    pen.text((left, base + 18), _fitted(said, 12, _SIDE), _SOFT, _font(12))


def _look(tile: Tile) -> Image.Image | None:
    if tile.thumbnail is None:
        return None
    try:
        with Image.open(BytesIO(tile.thumbnail), formats=["WEBP"]) as opened:
            look = opened.convert("RGB")
    except (OSError, UnidentifiedImageError):
        return None
    look.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return look


def _write(pen: ImageDraw.ImageDraw, text: str, left: int, top: int) -> None:
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if pen.textlength(longer, _font(14)) > _SIDE - 32 and line:
            lines.append(line)
            longer = word
        line = _fitted(longer, 14, _SIDE - 32)
    pen.text((left, top), "\n".join([*lines, line][:10]), _INK, _font(14), spacing=5)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _fitted(text: str, size: int, room: float) -> str:
    """Cut the middle out of a text that is too long for its place."""
    font = _font(size)
    kept = text
    while font.getlength(kept) > room and len(text) > 8:
        text = text[: len(text) // 2 - 1] + text[len(text) // 2 + 1 :]
        kept = f"{text[: len(text) // 2]}…{text[len(text) // 2 :]}"
    return kept
