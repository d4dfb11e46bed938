"""`sightline models pull`: a model's files are brought here before they are needed."""

from pathlib import Path

import click

from cli.command import Command
from cli.errors import on_interrupt
from cli.options import json_option
from cli.output.progress import counting
from cli.output.render import size, write_json
from indexer.models import Checkpoint, DownloadProgress, cached, pull


@click.command("pull", cls=Command)
@click.argument("model", metavar="NAME")
@json_option
def command(model: str, as_json: bool) -> None:
    """Download a model ahead of its first use.

    An interrupted download is continued, and every file is checked. A model that is already on
    this machine is not downloaded again.
    """
    with counting("downloading", size) as count, on_interrupt(lambda: "what has arrived is kept"):

        def watch(step: DownloadProgress) -> None:
            count.show(step.done, step.total)

        found = pull(model, watch)
    folder, held = _folder(found), cached(model)
    if as_json:
        path = None if folder is None else str(folder)
        write_json({"name": found.name, "revision": found.revision, "path": path, "bytes": held})
    elif folder is not None:
        click.echo(f"{found.label} is here: {size(held or 0)} in {folder}")
    elif found.tag:
        click.echo(f"{found.label} is fetched when it is first used: open_clip knows from where")
    else:
        click.echo(f"{found.label} has no files to fetch: it is part of sightline")


def _folder(found: Checkpoint) -> Path | None:
    return found.folder or (found.weights.parent if found.weights else None)
