"""`sightline use`: from here on, searches go by another model's vectors."""

import click

from cli.command import Command
from cli.options import json_option, library_option, precision_option
from cli.output.json_rows import space_row
from cli.output.render import write_json
from cli.session import session
from cli.settings import Settings
from indexer.models.compiled.precision import WantedPrecision


@click.command("use", cls=Command)
@click.argument("model", metavar="NAME")
@precision_option("Which of the model's vectors. [default: the latest]")
@json_option
@library_option
def command(
    model: str, precision: WantedPrecision | None, as_json: bool, library: str | None
) -> None:
    """Switch searches to another model's vectors.

    First `sightline index --model NAME` adds them. Nothing changes until they are complete and
    this command is run. `sightline models prune` then deletes the old ones.
    """
    with session(Settings.read(library=library)) as app:
        space = app.use(model, precision)
        current, *_ = app.library.spaces()
    if as_json:
        write_json(space_row(current))
    else:
        click.echo(f"searches now go by the vectors of {space.name}")
