"""`sightline describe`: a sentence for each image, kept in the library and found by search."""

from typing import Any

import click

from cli.caution import caution
from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND, on_interrupt
from cli.options import filter_options, json_option, library_option, model_option
from cli.output.empty import why_nothing
from cli.output.json_rows import caption_row
from cli.output.progress import counting
from cli.output.render import plural, printable, write_json, write_notice, write_notices
from cli.session import session
from cli.settings import Settings
from search.describe import Described
from search.hits import first_path
from search.targets import Targets
from sightline import Sightline
from storage import Filters
from storage.errors import ModelError

_KEPT = "the captions that were shown are stored"
_WHICH = "name the images: a PATH, an ITEM, a filter such as --after DATE, or --all"


@click.command("describe", cls=Command)
@click.argument("target", required=False, metavar="[PATH|ITEM]")
@click.option("--all", "every", is_flag=True, help="Caption all images of the library.")
@filter_options
@model_option
@json_option
@library_option
def command(target: str | None, every: bool, **given: Any) -> int:
    """Write a caption for each image.

    Captions are stored in the library, and searches find their words. An image that has a caption
    by the same model is skipped. The caption of a file outside the library is printed only.
    """
    filters, settings = Filters.read(given), Settings.read(library=given["library"])
    _check(target, every, filters)
    with session(settings) as app:
        targets = app.select(target, filters)
        if not targets:
            write_notice(f"nothing found: {why_nothing(app, filters, 'image')}")
            return NOTHING_FOUND
        if (warned := caution(app.library, "captioner")) and given["model"] is None:
            write_notice(warned)
        if targets.external:
            return _describe_file(app, str(targets.external), given["model"], given["as_json"])
        describe = _describe_one if len(targets.items) == 1 else _describe
        return describe(app, targets, given["model"], given["as_json"])


def _check(target: str | None, every: bool, filters: Filters) -> None:
    """Refuse words that name no image, or name them twice; raises click.UsageError."""
    if target is not None and every:
        raise click.UsageError(f"{target} and --all exclude each other: choose one")
    if target is None and not (every or filters.narrows):
        raise click.UsageError(_WHICH)


def _describe(app: Sightline, targets: Targets, model: str | None, as_json: bool) -> int:
    """Describe what lacks a caption of the model, printing each when it is stored."""
    with counting("describing") as count, on_interrupt(lambda: _KEPT):

        def write(made: Described) -> None:
            with count.aside():
                said = made.caption if as_json else f"{made.path}: {made.caption}"
                _write(made.item.hash, made.path, said, app.models.captioner(model).name, as_json)

        captions = app.describe(targets, model=model, each=write, watch=count.show)
    write_notices(captions.notices)
    known = f"; {captions.before:,} had one of {captions.model}" if captions.before else ""
    write_notice(f"{plural(len(captions), 'caption')} stored{known}")
    return DONE if captions or captions.before else NOTHING_FOUND


def _describe_one(app: Sightline, targets: Targets, model: str | None, as_json: bool) -> int:
    """Describe one image, or print the caption it has."""
    captions = app.describe(targets, model=model)
    [item] = app.items(targets)
    caption = app.show(item, captions.model).caption
    if caption is None:
        raise ModelError(f"{first_path(item)} has no caption: {'; '.join(captions.notices)}")
    write_notices(captions.notices)
    _write(item.hash, first_path(item), caption, captions.model, as_json)
    return DONE


def _describe_file(app: Sightline, path: str, model: str | None, as_json: bool) -> int:
    caption = app.describe_file(path, model)
    _write(None, path, caption, app.models.captioner(model).name, as_json)
    write_notice(f"{path} is not in the library, so nothing was stored")
    return DONE


def _write(item: str | None, path: str | None, caption: str, model: str, as_json: bool) -> None:
    if as_json:
        write_json(caption_row(item, path, caption, model))
    else:
        click.echo(printable(caption))
