"""Options of a second reading and of the cut-offs; apart, for they load what searches."""

import click

from cli.options import Function
from search.query import DEFAULT_DEPTH


def rerank_options(function: Function) -> Function:
    """Add the second reading and the cut-offs; `cli.question.query_of` reads what they give."""
    for option in reversed(_RERANK):
        function = option(function)
    return function


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
