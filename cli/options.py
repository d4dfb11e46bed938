"""Options that several commands share."""

from collections.abc import Callable
from typing import TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., object])


def library_option(function: Function) -> Function:
    """Add `--library DIR`."""
    return click.option(
        "--library", metavar="DIR", help="The library folder [default: SIGHTLINE_LIBRARY or yours]."
    )(function)


def json_option(function: Function) -> Function:
    """Add `--json`, handed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")(
        function
    )


def yes_option(function: Function) -> Function:
    """Add `--yes`."""
    return click.option("--yes", is_flag=True, help="Do it without asking.")(function)
