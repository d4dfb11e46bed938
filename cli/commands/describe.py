"""`sightline describe`: a sentence for each picture, kept in the library and found by search."""

from pathlib import Path
from typing import Any

import click

from cli import wiring
from cli.boundary import DONE, NOTHING_FOUND, keeping
from cli.choice import choose
from cli.options import filter_options, json_option, library_option, model_option
from cli.outside import prepared
from cli.progress import counting
from cli.question import filters_of, why_nothing
from cli.render import plural, printable, tell, write_json
from cli.rows import caption_row, first_path
from cli.session import session
from cli.settings import Settings
from indexer.models import Captioner
from search import Describing
from storage import Library, captions, items
from storage.errors import ModelError

_KEPT = "the captions that were shown are stored"


@click.command("describe")
@click.argument("target", required=False, metavar="[PATH|ITEM]")
@click.option("--all", "every", is_flag=True, help="Describe all pictures of the library.")
@filter_options
@model_option
@json_option
@library_option
def command(target: str | None, every: bool, **given: Any) -> int:
    """Say in a sentence what is in each picture.

    The sentences are kept: their words are found by search, and a picture that has one of the
    same model is not described again. A picture outside the library is described and not kept.
    """
    filters, settings = filters_of(given), Settings.read(library=given["library"])
    with session(settings) as library:
        choice = choose(library, target, filters, every)
        if not (choice.items or choice.outside):
            tell(f"nothing found: {why_nothing(library, filters)}")
            return NOTHING_FOUND
        name = wiring.reader_name(library, "captioner", given["model"])
        captioner = wiring.captioner(name, settings)
        if choice.outside:
            _describe_file(choice.outside, captioner, settings, given["as_json"])
        elif len(choice.items) == 1:
            return _describe_one(library, captioner, settings, choice.items[0], given["as_json"])
        else:
            _describe(library, captioner, settings, choice.items, given["as_json"])
    return DONE


def _describe(
    library: Library, captioner: Captioner, settings: Settings, chosen: list[int], as_json: bool
) -> None:
    """Describe what lacks a caption of the model, printing each when it is stored."""
    describing = Describing(library, captioner, settings.file_limits())
    stored = 0
    with counting("describing") as count, keeping(lambda: _KEPT):
        for item, path, caption in describing.run(chosen, count.show):
            stored += 1
            with count.aside():
                said = caption if as_json else f"{path}: {caption}"
                _write(item.hash, path, said, captioner, as_json)
    library.notices.extend(describing.notices)
    before = len(chosen) - stored - describing.failed
    known = f"; {before:,} had one of {captioner.name}" if before else ""
    tell(f"{plural(stored, 'caption')} stored{known}")


def _describe_one(
    library: Library, captioner: Captioner, settings: Settings, number: int, as_json: bool
) -> int:
    """Describe one picture, or print the caption it has."""
    describing = Describing(library, captioner, settings.file_limits())
    for _ in describing.run([number]):
        pass
    with library.catalogue.reading() as connection:
        item = items.hydrate(connection, [number])[number]
        caption = captions.of_items(connection, [number], captioner.name).get(number)
    if caption is None:
        raise ModelError(f"{first_path(item)} has no caption: {'; '.join(describing.notices)}")
    _write(item.hash, first_path(item), caption, captioner, as_json)
    return DONE


def _describe_file(path: Path, captioner: Captioner, settings: Settings, as_json: bool) -> None:
    pixels = prepared(path, captioner.pictures, settings.file_limits())
    [caption] = captioner.describe(pixels)
    if not caption.strip():
        raise ModelError(f"the model {captioner.name} said nothing about {path}: try another")
    _write(None, str(path), " ".join(caption.split()), captioner, as_json)
    tell(f"{path} is not in the library, so nothing was stored")


def _write(
    item: str | None, path: str | None, caption: str, captioner: Captioner, as_json: bool
) -> None:
    if as_json:
        write_json(caption_row(item, path, caption, captioner.name))
    else:
        click.echo(printable(caption))
