"""A person's agreement to what was shown: asked for, or given ahead by `--yes`."""

import sys

import click

from cli.output.render import write_notice
from storage.errors import InvalidArgument


def confirm(question: str, yes: bool) -> bool:
    """Ask, unless `--yes` was given; raises InvalidArgument where nobody is there to answer."""
    if yes:
        return True
    if not is_interactive():
        raise InvalidArgument("there is no terminal to ask for confirmation on: add --yes")
    if click.confirm(question, err=True):
        return True
    write_notice("nothing was changed")
    return False


def is_interactive() -> bool:
    """Return whether a person can type an answer."""
    return sys.stdin.isatty()
