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


def model_option(function: Function) -> Function:
    """Add `--model NAME` of a command that reads pictures a second time."""
    return click.option(
        "--model", metavar="NAME", help="What reads the pictures (see sightline models)."
    )(function)


def filter_options(function: Function) -> Function:
    """Add the filters; `cli.question.filters_of` reads what they give."""
    for option in reversed(_FILTERS):
        function = option(function)
    return function


_FILTERS = (
    click.option(
        "--after",
        metavar="DATE",
        help="Taken from the beginning of 2020, 2020-06 or 2020-06-30 on.",
    ),
    click.option("--before", metavar="DATE", help="Taken before the beginning of that period."),
    click.option("--in", "folder", metavar="FOLDER", help="Under this folder."),
    click.option("--camera", metavar="TEXT", help="Maker or model holds this text."),
    click.option(
        "--near", metavar="LAT,LON,KM", help="Taken within so many kilometres of a place."
    ),
    click.option(
        "--tag", "tags", multiple=True, metavar="LABEL", help="Has this label (see sightline tag)."
    ),
    click.option("--missing", is_flag=True, help="Let in items whose files are gone."),
)
