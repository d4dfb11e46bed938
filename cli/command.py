"""A command of sightline: what all of them refuse.

An empty argument is an unset variable of the shell far more often than it is meant, and as a path
it would stand for the current folder.
"""

from collections.abc import Iterator
from typing import Any

import click


class Command(click.Command):
    """A command that takes no empty string for any of its arguments and options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words that were typed; raises UsageError for an empty one."""
        typed = list(args)
        rest = super().parse_args(ctx, args)
        if ctx.resilient_parsing:
            return rest
        # Read once more for the words themselves: as a type makes a path of it, "" is ".".
        values, _, _ = self.make_parser(ctx).parse_args(typed)
        for parameter in self.get_params(ctx):
            if "" in _words(values.get(parameter.name or "")):
                raise click.UsageError(_empty(parameter, ctx), ctx)
        return rest


def _words(value: Any) -> Iterator[object]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _words(each)
    else:
        yield value


def _empty(parameter: click.Parameter, ctx: click.Context) -> str:
    hint = parameter.make_metavar(ctx).strip("[].")
    if isinstance(parameter, click.Argument):
        return f"{hint} is empty (an unset variable?): give one"
    return f"{parameter.opts[0]} is empty (an unset variable?): give {hint}, or leave it out"
