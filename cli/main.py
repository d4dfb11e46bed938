"""The command `sightline`: a table of verbs, each loaded only when it is asked for."""

import importlib
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import click

from cli.boundary import guarded

COMMANDS = {
    "index": "Read folders of pictures and texts into the library.",
    "search": "Find pictures and texts by meaning.",
    "show": "Tell all that is known of one item.",
    "status": "Tell what the library holds.",
    "failures": "List the files that could not be used, or try them again.",
    "remove": "Forget a folder or a file; the files themselves stay.",
    "forget": "Forget files that are gone.",
    "models": "List the models that --model takes.",
    "demo": "Draw a small library, index it and search it.",
    "doctor": "Check the installation and say where everything lies.",
}


class Verbs(click.Group):
    """A group whose help comes from the table, so that it imports no command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"cli.commands.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name, COMMANDS, n=2)
            hint = (
                f", did you mean {' or '.join(near)}?" if near else f": try {', '.join(COMMANDS)}"
            )
            raise click.UsageError(f"there is no command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, **_: Any) -> Any:  # type: ignore[override]
        """Run one command inside the error boundary and exit with its code."""
        for stream in (sys.stdout, sys.stderr):
            # A terminal of another encoding must not turn a file name into a crash.
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        sys.exit(guarded(lambda: super(Verbs, self).main(args, "sightline", standalone_mode=False)))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sightline", message="sightline %(version)s")
def cli() -> None:
    """Find pictures and texts by meaning, on your own machine.

    Begin with `sightline demo`, or with `sightline index ~/Pictures` and then
    `sightline search "red kite"`.

    Exit codes: 0 done or found, 1 nothing found, 2 usage, 3 an error, 130 interrupted.
    """


def main() -> None:
    """Run `sightline`; the entry point of the installed command."""
    cli()
