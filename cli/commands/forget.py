"""`sightline forget --missing`: files that are gone leave the library."""

import click

from cli.command import Command
from cli.options import library_option, yes_option
from cli.removal import carry_out
from cli.session import session
from cli.settings import Settings


@click.command("forget", cls=Command)
@click.option("--missing", is_flag=True, required=True, help="Forget files that no longer exist.")
@library_option
@yes_option
def command(missing: bool, library: str | None, yes: bool) -> None:
    """Take files that are gone out of the library.

    Files of a folder that is not mounted are kept.
    """
    with session(Settings.read(library=library)) as app:
        carry_out(app, app.plan_forget(), "forget --missing", yes)
