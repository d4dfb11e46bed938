"""A group of commands that is known by a table; each is imported only when it is asked for."""

import gc
import importlib
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import click

from cli.command import Command


class LazyGroup(click.Group):
    """A group whose help comes from the table, so that it imports no command.

    `table` leads from a verb to the first line of its help, `package` holds one module for each;
    words that begin with no verb go to `default`, where there is one.
    """

    def __init__(
        self, *args: Any, table: Mapping[str, str], package: str, default: str = "", **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self.table, self.package, self.default = table, package, default

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.table:
            return None
        command = _imported(f"{self.package}.{name}").command
        assert isinstance(command, Command | click.Group)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if self.default and first not in (*self.table, *ctx.help_option_names):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.table and not name.startswith("-"):
            near = get_close_matches(name, self.table, n=2)
            hint = (
                f", did you mean {' or '.join(near)}?" if near else f": try {', '.join(self.table)}"
            )
            raise click.UsageError(f"there is no command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.table.items()))


def _imported(name: str) -> Any:
    """Import a module with all it needs, which is set apart from what is collected later.

    Modules stay as long as the process, and the search for cycles among their objects would cost
    a search by known words a fifth of its time. Not where torch is there already: its libraries
    report at the end, as a leak, whatever of theirs was set apart.
    """
    if name not in sys.modules and "torch" not in sys.modules:
        gc.disable()
        try:
            importlib.import_module(name)
            gc.freeze()
        finally:
            gc.enable()
    return importlib.import_module(name)
