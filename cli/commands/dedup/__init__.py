"""`sightline dedup`: which pictures are the same, and what is to be done about it."""

import click

from cli.lazy_group import Verbs

COMMANDS = {
    "find": "Find duplicates and write a plan; this is what dedup does by itself.",
    "apply": "Do what a plan says, each file checked again.",
    "undo": "Put back what can be.",
    "decide": "Decide of groups that all stays, or that they are no duplicates.",
}


@click.group("dedup", cls=Verbs, table=COMMANDS, package="cli.commands.dedup", default="find")
def command() -> None:
    """Find duplicates, review what is to go, then let it go.

    `sightline dedup` writes a plan and a page to look at and changes no file; `sightline dedup
    apply PLAN` acts on it. Its options are listed by `sightline dedup find --help`.
    """
