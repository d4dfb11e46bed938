"""`sightline ask`: one question, an answer from each image."""

from typing import Any

import click

from cli.caution import caution
from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND
from cli.options import filter_options, json_option, library_option, model_option
from cli.output.empty import why_nothing
from cli.output.json_rows import answer_row
from cli.output.progress import counting
from cli.output.render import printable, write_json, write_notice, write_notices
from cli.session import session
from cli.settings import Settings
from search import Query, Term
from search.hits import first_path
from search.query import DEFAULT_K
from search.targets import Targets
from sightline import Sightline
from storage import Filters, Item
from storage.errors import InvalidArgument

_NO_IMAGE = "a question with no image: name a PATH or an ITEM, or look for some with --query TERM"


@click.command("ask", cls=Command)
@click.argument("question")
@click.argument("target", required=False, metavar="[PATH|ITEM]")
@click.option(
    "--query",
    "terms",
    multiple=True,
    metavar="TERM",
    help="Ask about the images that this search finds.",
)
@click.option(
    "-k", type=int, metavar="N", help=f"Number of images from --query. [default: {DEFAULT_K}]"
)
@filter_options
@model_option
@json_option
@library_option
def command(question: str, target: str | None, **given: Any) -> int:
    """Ask a question about images.

    Prints one answer per line: about one image, the images of a folder, those that --query finds,
    or those that pass the filters.
    """
    filters = _checked(question, target, given)
    with session(Settings.read(library=given["library"])) as app:
        targets = _choose(app, target, filters, given)
        if not targets:
            write_notice(f"nothing found: {why_nothing(app, filters, 'image')}")
            return NOTHING_FOUND
        return _ask(app, question, targets, given["model"], given["as_json"])


def _checked(question: str, target: str | None, given: dict[str, Any]) -> Filters:
    """Refuse what cannot be asked before anything is opened."""
    if not question.strip():
        raise InvalidArgument("the question is empty: write what to ask about the images")
    if target is not None and given["terms"]:
        raise click.UsageError(f"{target} and --query exclude each other: choose one")
    if given["k"] is not None and not given["terms"]:
        raise click.UsageError("-k says how many that --query finds are asked: add --query TERM")
    filters = Filters.read(given)
    if target is None and not given["terms"] and not filters.narrows:
        raise click.UsageError(_NO_IMAGE)
    return filters


def _choose(app: Sightline, target: str | None, filters: Filters, given: dict[str, Any]) -> Targets:
    if not given["terms"]:
        return app.select(target, filters)
    terms = tuple(Term.parse("text", term) for term in given["terms"])
    k = DEFAULT_K if given["k"] is None else given["k"]
    hits = app.search(Query(terms, filters, k, "image"))
    write_notices(hits.notices)
    return Targets([hit.item.id for hit in hits])


def _ask(app: Sightline, question: str, targets: Targets, named: str | None, as_json: bool) -> int:
    model = app.models.answerer(named).name
    if named is None and (warned := caution(app.library, "answerer")):
        write_notice(warned)
    if targets.external:
        path = str(targets.external)
        answers = app.ask_file(question, path, named)
        _write(None, path, question, answers[0], model, as_json, False)
        write_notices(answers.notices)
        return DONE
    several, done = len(targets.items) > 1, 0
    with counting("asking") as count:

        def write(answer: tuple[Item, str]) -> None:
            nonlocal done
            item, said = answer
            done += 1
            with count.aside():
                _write(item, first_path(item), question, said, model, as_json, several)
            count.show(done, len(targets.items))

        answered = app.ask(question, targets, model=named, each=write)
    write_notices(answered.notices)
    return DONE if answered else NOTHING_FOUND


def _write(
    item: Item | None,
    path: str | None,
    question: str,
    answer: str,
    model: str,
    as_json: bool,
    several: bool,
) -> None:
    if as_json:
        known = item.hash if item else None
        write_json(answer_row(known, path, question, answer, model))
    else:
        click.echo(printable(f"{path}: {answer}" if several else answer))
