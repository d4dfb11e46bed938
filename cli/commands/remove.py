"""`sightline remove`: a folder or a file leaves the library."""

import click

from cli.command import Command
from cli.options import library_option, yes_option
from cli.removal import carry_out
from cli.session import session
from cli.settings import Settings


@click.command("remove", cls=Command)
@click.argument("path")
@library_option
@yes_option
def command(path: str, library: str | None, yes: bool) -> None:
    """Take a folder or a file out of the library; the files themselves stay.

    Index them again to have them back.
    """
    with session(Settings.read(library=library)) as app:
        carry_out(app, app.plan_remove(path), f"remove {path}", yes)
