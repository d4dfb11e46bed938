"""A person's agreement to what was shown: asked for, or given ahead by `--yes`."""

import sys

import click

from cli.output.render import tell
from storage.errors import InvalidArgument


def agreed(question: str, yes: bool) -> bool:
    """Ask, unless `--yes` was given; raises InvalidArgument where nobody is there to answer."""
    if yes:
        return True
    if not somebody_is_there():
        raise InvalidArgument("there is no terminal to ask on: add --yes to confirm")
    if click.confirm(question, err=True):
        return True
    tell("nothing was changed")
    return False


def somebody_is_there() -> bool:
    """Return whether a person can type an answer."""
    return sys.stdin.isatty()
