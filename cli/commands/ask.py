"""`sightline ask`: one question, an answer from each picture."""

from typing import Any

import click

from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND
from cli.options import filter_options, json_option, library_option, model_option
from cli.output.json_rows import answer_row
from cli.output.progress import counting
from cli.output.render import printable, tell, write_json
from cli.question import count_of, why_nothing
from cli.session import session
from cli.settings import Settings
from cli.targets import Choice, choose
from indexer.models import Answerer
from search import Query, Term
from search.ask import ask_chosen, ask_file
from search.hits import first_path
from search.query import DEFAULT_K
from search.truncation import truncations
from sightline import Sightline, check_folder
from storage import Filters, Item
from storage.errors import InvalidArgument

_NO_IMAGE = "a question with no image: name a PATH or an ITEM, or look for some with --query TERM"


@click.command("ask", cls=Command)
@click.argument("question")
@click.argument("target", required=False, metavar="[PATH|ITEM]")
@click.option("--query", "terms", multiple=True, metavar="TERM", help="Ask what this finds.")
@click.option("-k", type=int, metavar="N", help=f"How many of those. [default: {DEFAULT_K}]")
@filter_options
@model_option
@json_option
@library_option
def command(question: str, target: str | None, **given: Any) -> int:
    """Ask a question about pictures.

    One answer a line: of a picture, of those in a folder, of those that --query finds, or of
    those that the filters let through.
    """
    filters = _checked(question, target, given)
    with session(Settings.read(library=given["library"])) as app:
        choice = _choose(app, target, filters, given)
        if not (choice.items or choice.outside):
            tell(f"nothing found: {why_nothing(app.library, filters, 'image')}")
            return NOTHING_FOUND
        answerer = app.models.answerer(given["model"])
        if choice.outside:
            path = str(choice.outside)
            answer = ask_file(answerer, question, path, app.limits)
            _write(None, path, question, answer, answerer, given["as_json"], False)
            app.library.notices.extend(truncations(answerer, answerer.name, [question]))
            return DONE
        return _ask(app, answerer, question, choice.items, given["as_json"])


def _checked(question: str, target: str | None, given: dict[str, Any]) -> Filters:
    """Refuse what cannot be asked before anything is opened."""
    if not question.strip():
        raise InvalidArgument("the question is empty: write what to ask about the pictures")
    if target is not None and given["terms"]:
        raise click.UsageError(f"{target} and --query exclude each other: choose one")
    if given["k"] is not None and not given["terms"]:
        raise click.UsageError("-k says how many that --query finds are asked: add --query TERM")
    filters = Filters.read(given)
    if target is None and not given["terms"] and not filters.narrows:
        raise click.UsageError(_NO_IMAGE)
    return filters


def _choose(app: Sightline, target: str | None, filters: Filters, given: dict[str, Any]) -> Choice:
    if not given["terms"]:
        return choose(app.library, target, filters)
    check_folder(app.library, filters)
    terms = tuple(Term.parse("text", term) for term in given["terms"])
    k = DEFAULT_K if given["k"] is None else count_of(given["k"])
    hits = app.search(Query(terms, filters, k, "image"))
    return Choice([hit.item.id for hit in hits])


def _ask(
    app: Sightline, answerer: Answerer, question: str, chosen: list[int], as_json: bool
) -> int:
    answers = ask_chosen(app.library, answerer, question, chosen, app.limits)
    several, done = len(chosen) > 1, 0
    with counting("asking") as count:
        for done, (item, answer) in enumerate(answers, 1):
            with count.aside():
                _write(item, first_path(item), question, answer, answerer, as_json, several)
            count.show(done, len(chosen))
    return DONE if done else NOTHING_FOUND


def _write(
    item: Item | None,
    path: str | None,
    question: str,
    answer: str,
    answerer: Answerer,
    as_json: bool,
    several: bool,
) -> None:
    if as_json:
        known = item.hash if item else None
        write_json(answer_row(known, path, question, answer, answerer.name))
    else:
        click.echo(printable(f"{path}: {answer}" if several else answer))
