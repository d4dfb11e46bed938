"""`sightline models`: what there is, what it is made of, what to take, and what is not needed."""

import click

from cli.lazy_group import Verbs

COMMANDS = {
    "list": "List the models; this is what models does by itself.",
    "show": "Show how a model is built, part by part.",
    "recommend": "Recommend which model to take for a task, and why.",
    "pull": "Fetch a model ahead.",
    "prune": "Drop the vectors of models that are not in use.",
}


@click.group("models", cls=Verbs, table=COMMANDS, package="cli.commands.models", default="list")
def command() -> None:
    """List, explain, recommend, fetch and drop models.

    `sightline models "clip*"` lists those of a name, `sightline models --role captioner` those
    that can do a thing.
    """
