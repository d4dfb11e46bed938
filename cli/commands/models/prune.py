"""`sightline models prune`: vectors of models that no search uses leave the library."""

import click

from cli.command import Command
from cli.errors import on_interrupt
from cli.options import json_option, library_option, yes_option
from cli.output.json_rows import space_row
from cli.output.prompts import confirm
from cli.output.render import plural, write_json, write_notice
from cli.session import session
from cli.settings import Settings


@click.command("prune", cls=Command)
@library_option
@yes_option
@json_option
def command(library: str | None, yes: bool, as_json: bool) -> None:
    """Drop the vectors of models that are not in use.

    Images, thumbnails, captions and tags stay; `sightline index --model NAME` makes the
    vectors again.
    """
    with session(Settings.read(library=library)) as app:
        unused = app.unused()
        if not unused:
            write_notice(
                "there is nothing to drop: the library holds vectors of the model in use alone"
            )
            return
        for counted in unused:
            vectors = plural(counted.vectors, "vector")
            click.echo(f"To be dropped: {vectors} of {counted.space.name}", err=True)
        if not confirm("Drop them?", yes):
            return
        with on_interrupt(lambda: "what was not dropped yet is whole"):
            app.prune()
        if as_json:
            for counted in unused:
                write_json(space_row(counted))
        else:
            total = sum(counted.vectors for counted in unused)
            click.echo(f"dropped {plural(total, 'vector')} of {plural(len(unused), 'model')}")
