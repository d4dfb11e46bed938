"""`sightline use`: from here on, searches go by another model's vectors."""

import click

from cli.options import library_option
from cli.session import session
from cli.settings import Settings
from indexer.models import canonical


@click.command("use")
@click.argument("model", metavar="NAME")
@library_option
def command(model: str, library: str | None) -> None:
    """Search with the vectors of another model.

    `sightline index --model NAME` makes them beside those in use; nothing changes until all
    are there and this command is given. `sightline models prune` then drops the old ones.
    """
    with session(Settings.read(library=library)) as opened:
        space = opened.use(canonical(model))
    click.echo(f"searches now go by the vectors of {space.name}")
