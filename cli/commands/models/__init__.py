"""`sightline models`: what there is, what it is made of, what to take, and what is not needed."""

import click

from cli.lazy_group import LazyGroup

COMMANDS = {
    "list": "List the models (the default).",
    "show": "Show how a model is built, part by part.",
    "recommend": "Recommend which model to take for a task, and why.",
    "pull": "Download a model ahead of its first use.",
    "prune": "Drop the vectors of models that are not in use.",
}


@click.group("models", cls=LazyGroup, table=COMMANDS, package="cli.commands.models", default="list")
def command() -> None:
    """List, show, recommend, download and prune models.

    `sightline models "clip*"` lists models by name, `sightline models --role captioner` by what
    they can do.
    """
