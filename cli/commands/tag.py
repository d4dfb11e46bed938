"""`sightline tag`: labels for images, chosen among those that a person names."""

from collections.abc import Mapping
from typing import Any

import click

from cli.caution import caution
from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND, on_interrupt
from cli.options import filter_options, json_option, library_option, option_of, yes_option
from cli.output.empty import why_nothing
from cli.output.json_rows import tag_row
from cli.output.progress import counting
from cli.output.prompts import confirm
from cli.output.render import (
    plural,
    printable,
    write_json,
    write_notice,
    write_notices,
    write_table,
)
from cli.session import session
from cli.settings import Settings
from search import LabelSet
from search.tag import BUILT_IN, Tagged
from sightline import Sightline
from storage import Filters
from storage.filters import FILTERS

_WAYS = "give --labels FILE|NAME to label images, --list, or --remove LABEL"
_KEPT = "the tags that were shown are stored"
_EVERY = "\0"  # --remove without a LABEL; it cannot be typed, for an argument ends at a NUL
_GIVING = {  # what only a run that gives labels can use, by the name of its argument
    "templates": "--template",
    "min_score": "--min-score",
    **{name: f"--{option_of(name)}" for name in FILTERS},
}


@click.command("tag", cls=Command)
@click.option(
    "--labels",
    metavar="FILE|NAME",
    help=f"A file with one label per line, or a built-in set: {', '.join(BUILT_IN)}.",
)
@click.option(
    "--template",
    "templates",
    multiple=True,
    metavar="TEXT",
    help='A sentence around each label, as "a photo of a {}"; several are averaged.',
)
@click.option(
    "--min-score",
    type=float,
    metavar="P",
    help="Give every label with a probability of at least P. [default: only the best label]",
)
@click.option(
    "--list", "listing", is_flag=True, help="List the labels and how many images have them."
)
@click.option(
    "--remove",
    is_flag=False,
    flag_value=_EVERY,
    metavar="LABEL",
    help="Remove a label from all images; --remove --all removes all labels.",
)
@click.option("--all", "every", is_flag=True, help="With --remove: all labels.")
@filter_options
@yes_option
@json_option
@library_option
def command(**given: Any) -> int:
    """Label images, list the labels or remove them.

    Labels compete for each image, so a set should have one for everything that may occur.
    `sightline search --tag LABEL` then searches only the images that have the label.
    """
    _check(given)
    settings = Settings.read(library=given["library"])
    if given["listing"]:
        return _list(settings, given["as_json"])
    if given["remove"] is not None:
        label = None if given["every"] else given["remove"]
        return _remove(settings, label, given["yes"])
    labels, filters = LabelSet.read(given["labels"]), Filters.read(given)
    with session(settings) as app:
        return _tag(app, labels, filters, given)


def _check(given: Mapping[str, Any]) -> None:
    """Refuse what would be asked for and not done."""
    ways = [given["labels"] is not None, given["listing"], given["remove"] is not None]
    if sum(ways) != 1:
        raise click.UsageError(_WAYS)
    if given["remove"] is None and (given["every"] or given["yes"]):
        raise click.UsageError(f"--{'all' if given['every'] else 'yes'} goes with --remove alone")
    if given["remove"] is not None and (given["remove"] == _EVERY) != given["every"]:
        raise click.UsageError("--remove takes one LABEL, or --all and none")
    idle = [flag for name, flag in _GIVING.items() if given[name] not in (None, (), False)]
    if given["labels"] is None and idle:
        raise click.UsageError(f"{idle[0]} goes with --labels alone")
    if given["remove"] is not None and given["as_json"]:
        raise click.UsageError("--json goes with --labels and --list")


def _tag(app: Sightline, labels: LabelSet, filters: Filters, given: Mapping[str, Any]) -> int:
    if not app.select(filters=filters):
        write_notice(f"nothing found: {why_nothing(app, filters, 'image')}")
        return NOTHING_FOUND
    model = app.models.encoder().space.name
    with counting("tagging") as count, on_interrupt(lambda: _KEPT):

        def write(tagged: Tagged) -> None:
            item, path, label, score = tagged
            with count.aside():
                if given["as_json"]:
                    write_json(tag_row(item.hash, path, label, score, model))
                else:
                    click.echo(printable(f"{path}: {label} {score:.3f}"))

        stored = app.tag(
            labels,
            templates=given["templates"],
            min_score=given["min_score"],
            filters=filters,
            each=write,
            watch=count.show,
        )
    write_notices(stored.notices)
    write_notice(f"{plural(len(stored), 'tag')} stored")
    if warned := caution(app.library):
        write_notice(warned)
    return DONE


def _list(settings: Settings, as_json: bool) -> int:
    with session(settings) as app:
        counted = app.tags()
    if as_json:
        for label, model, count in counted:
            write_json({"label": label, "model": model, "count": count})
    elif counted:
        rows = [(label, f"{count:,}", model) for label, model, count in counted]
        write_table(rows, ("label", "images", "model"))
    else:
        write_notice("no image has a label: sightline tag --labels FILE|NAME gives some")
    return DONE if counted else NOTHING_FOUND


def _remove(settings: Settings, label: str | None, yes: bool) -> int:
    with session(settings) as app:
        counted = [row for row in app.tags() if label in (None, row[0])]
        if not counted:
            write_notice(f"no image has the label {label!r}" if label else "no image has a label")
            return NOTHING_FOUND
        for name, model, count in counted:
            click.echo(f"To be removed: {printable(name)}, {count:,} by {model}", err=True)
        if confirm("Remove these tags from the library?", yes):
            click.echo(f"removed {plural(app.remove_tags(label), 'tag')}")
    return DONE
