"""`sightline doctor`: is the installation sound, and where does everything lie?"""

import click

from cli.checks import all_checks
from cli.command import Command
from cli.errors import DONE, STOPPED
from cli.options import library_option
from cli.output.render import tell, write_table
from cli.settings import Settings


@click.command("doctor", cls=Command)
@library_option
def command(library: str | None) -> int:
    """Check the installation and say where everything lies."""
    checks = list(all_checks(Settings.read(library=library)))
    write_table([(check.verdict, check.name, check.finding) for check in checks])
    broken = [check.name for check in checks if check.verdict == "broken"]
    if broken:
        tell(f"broken: {', '.join(broken)}")
        return STOPPED
    return DONE
