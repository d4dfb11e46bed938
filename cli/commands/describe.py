"""`sightline describe`: a sentence for each picture, kept in the library and found by search."""

from typing import Any

import click

from cli.caution import caution
from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND, keeping
from cli.options import filter_options, json_option, library_option, model_option
from cli.output.json_rows import caption_row
from cli.output.progress import counting
from cli.output.render import plural, printable, tell, write_json
from cli.question import why_nothing
from cli.session import session
from cli.settings import Settings
from cli.targets import choose
from search import CaptionJob
from search.describe import describe_file
from search.hits import first_path
from search.models import local_checkpoint
from sightline import Sightline
from storage import Filters, Library
from storage.errors import ModelError
from storage.tables import captions, items

_KEPT = "the captions that were shown are stored"


@click.command("describe", cls=Command)
@click.argument("target", required=False, metavar="[PATH|ITEM]")
@click.option("--all", "every", is_flag=True, help="Describe all pictures of the library.")
@filter_options
@model_option
@json_option
@library_option
def command(target: str | None, every: bool, **given: Any) -> int:
    """Describe in a sentence what is in each picture.

    The sentences are kept: their words are found by search, and a picture that has one of the
    same model is not described again. A picture outside the library is described and not kept.
    """
    filters, settings = Filters.read(given), Settings.read(library=given["library"])
    with session(settings) as app:
        choice = choose(app.library, target, filters, every)
        if not (choice.items or choice.outside):
            tell(f"nothing found: {why_nothing(app.library, filters, 'image')}")
            return NOTHING_FOUND
        if (warned := caution(app.library)) and given["model"] is None:
            tell(warned)
        name = app.models.name("captioner", given["model"])
        if choice.outside:
            return _describe_file(app, str(choice.outside), name, given["as_json"])
        describe = _describe_one if len(choice.items) == 1 else _describe
        return describe(app, name, choice.items, given["as_json"])


def _describe(app: Sightline, name: str, chosen: list[int], as_json: bool) -> int:
    """Describe what lacks a caption of the model, printing each when it is stored."""
    known = _described_by(app.library, name, chosen)
    if known is not None:
        return _sum_up(0, len(chosen), known)
    captioner = app.models.captioner(name)
    describing = CaptionJob(app.library, captioner, app.limits)
    stored = 0
    with counting("describing") as count, keeping(lambda: _KEPT):
        for item, path, caption in describing.run(chosen, count.show):
            stored += 1
            with count.aside():
                said = caption if as_json else f"{path}: {caption}"
                _write(item.hash, path, said, captioner.name, as_json)
    app.library.notices.extend(describing.notices)
    return _sum_up(stored, len(chosen) - stored - describing.failed, captioner.name)


def _describe_one(app: Sightline, name: str, chosen: list[int], as_json: bool) -> int:
    """Describe one picture, or print the caption it has."""
    notices: list[str] = []
    known = _described_by(app.library, name, chosen)
    if known is None:
        captioner = app.models.captioner(name)
        describing = CaptionJob(app.library, captioner, app.limits)
        for _ in describing.run(chosen):
            pass
        known, notices = captioner.name, describing.notices
    [number] = chosen
    with app.library.catalogue.reading() as connection:
        item = items.hydrate(connection, chosen)[number]
        caption = captions.of_items(connection, chosen, known).get(number)
    if caption is None:
        raise ModelError(f"{first_path(item)} has no caption: {'; '.join(notices)}")
    app.library.notices.extend(notices)
    _write(item.hash, first_path(item), caption, known, as_json)
    return DONE


def _described_by(library: Library, name: str, chosen: list[int]) -> str | None:
    """Name the model, unloaded, where all pictures have its caption; None where there is work."""
    model = local_checkpoint(name, "captioner")
    if model is None:
        return None
    with library.catalogue.reading() as connection:
        lacking = captions.lacking(connection, model.name, model.revision, chosen)
    return None if lacking else model.name


def _sum_up(stored: int, before: int, model: str) -> int:
    known = f"; {before:,} had one of {model}" if before else ""
    tell(f"{plural(stored, 'caption')} stored{known}")
    return DONE if stored or before else NOTHING_FOUND


def _describe_file(app: Sightline, path: str, name: str, as_json: bool) -> int:
    captioner = app.models.captioner(name)
    caption = describe_file(captioner, path, app.limits)
    _write(None, path, caption, captioner.name, as_json)
    tell(f"{path} is not in the library, so nothing was stored")
    return DONE


def _write(item: str | None, path: str | None, caption: str, model: str, as_json: bool) -> None:
    if as_json:
        write_json(caption_row(item, path, caption, model))
    else:
        click.echo(printable(caption))
