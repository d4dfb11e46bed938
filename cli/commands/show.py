"""`sightline show`: one item, in full."""

from collections.abc import Sequence

import click

from cli.command import Command
from cli.options import json_option, library_option
from cli.output.json_rows import item_row
from cli.output.render import size, write_facts, write_json
from cli.session import session
from cli.settings import Settings
from storage import Item, Tag


@click.command("show", cls=Command)
@click.argument("item", metavar="ITEM|PATH")
@library_option
@json_option
def command(item: str, library: str | None, as_json: bool) -> None:
    """Show all that is known of one item.

    ITEM is the beginning of its hash, at least 6 digits, or the PATH of a file.
    """
    with session(Settings.read(library=library)) as app:
        found = app.show(item)
    if as_json:
        write_json(item_row(found.item, found.caption, found.tags))
    else:
        _write(found.item, found.caption, found.tags)


def _stars(rating: int | None) -> str | None:
    if rating is None or rating < 0:
        return None if rating is None else "rejected"
    return f"{rating} {'star' if rating == 1 else 'stars'}"


def _write(item: Item, caption: str | None, given: Sequence[Tag]) -> None:
    capture = item.capture
    write_facts(
        [
            ("item", item.hash),
            ("kind", f"{item.kind}, {item.format}, {size(item.bytes)}"),
            ("columns", ", ".join(item.table_columns)),
            ("size", f"{item.width} × {item.height}" if item.width else None),
            ("taken", item.taken_at),
            ("camera", capture.camera),
            ("lens", capture.lens),
            ("place", "{:.5f}, {:.5f}".format(*item.place) if item.place else None),
            ("rating", _stars(item.rating)),
            ("keywords", ", ".join(item.keywords)),
            ("description", " ".join((item.description or "").split())),
            ("passage", f"characters {item.start} to {item.end}" if item.text else None),
            ("text", " ".join((item.text or "").split())),
            ("not read", item.omitted),
            ("caption", caption),
            *(("tag", f"{tag.label} {tag.score:.3f}, by {tag.model}") for tag in given),
            *(("file", path) for path in item.paths),
            *(("missing", path) for path in item.missing_paths),
            *(("excluded", path) for path in item.excluded_paths),
        ]
    )
