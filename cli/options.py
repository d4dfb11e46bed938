"""Options that several commands share."""

from collections.abc import Callable
from typing import TypeVar

import click

from search.rerank import DEFAULT_DEPTH

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


def rerank_options(function: Function) -> Function:
    """Add the second reading and the cut-offs; `cli.question.query_of` reads what they give."""
    for option in reversed(_RERANK):
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
_RERANK = (
    click.option(
        "--rerank", is_flag=True, help="Read the best pictures again, together with the words."
    ),
    click.option(
        "--rerank-model", metavar="NAME", help="What reads them; a pair scorer or a captioner."
    ),
    click.option(
        "--rerank-depth",
        type=int,
        metavar="N",
        help=f"How many it reads. [default: {DEFAULT_DEPTH}]",
    ),
    click.option(
        "--min-match",
        type=float,
        metavar="P",
        help="Drop what it finds less likely to match than P, 0 to 1.",
    ),
    click.option(
        "--min-lift",
        type=float,
        metavar="D",
        help="Drop what stands less than D above neutral words, such as 0.02.",
    ),
)
