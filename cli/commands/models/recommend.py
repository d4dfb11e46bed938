"""`sightline models recommend`: which model to take, from what is published about them."""

from dataclasses import asdict

import click

from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND
from cli.options import json_option
from cli.output.json_rows import Row
from cli.output.render import write_json, write_notice, write_table
from indexer.models.info.published import TASKS, Recommendation, recommend


@click.command("recommend", cls=Command)
@click.option("--task", type=click.Choice(TASKS), required=True, help="What the model is for.")
@click.option("--memory", type=float, metavar="GB", help="Memory it may use. [default: any]")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="The device it is to run on.",
)
@click.option(
    "--language",
    default="en",
    show_default=True,
    metavar="CODE",
    help="The language of queries: en, pt, zh …",
)
@json_option
def command(task: str, memory: float | None, device: str, language: str, as_json: bool) -> int:
    """Recommend which model to take for a task, and why.

    The figures are published ones, each with its source; nothing is measured here.
    """
    found = recommend(task, memory, device, language)  # type: ignore[arg-type]  # click chose it
    if not found:
        write_notice("no model is known that fits: allow more --memory, or leave --language out")
        return NOTHING_FOUND
    if as_json:
        for one in found:
            write_json(_row(one))
        return DONE
    write_table([(one.model, one.role, one.why) for one in found], ("name", "role", "why"))
    for source in dict.fromkeys(figure.source for one in found for figure in one.figures):
        write_notice(f"source: {source}")
    return DONE


def _row(one: Recommendation) -> Row:
    return {
        "name": one.model,
        "role": one.role,
        "why": one.why,
        "memory": one.memory,
        "parameters": one.parameters,
        "figures": [asdict(figure) for figure in one.figures],
        "source": list(dict.fromkeys(figure.source for figure in one.figures)),
    }
