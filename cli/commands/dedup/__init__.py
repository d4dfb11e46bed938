"""`sightline dedup`: which images are the same, and what is to be done about it."""

import click

from cli.lazy_group import LazyGroup

COMMANDS = {
    "find": "Find duplicates and write a plan (the default).",
    "apply": "Carry out a plan; each file is checked again first.",
    "undo": "Undo what apply did.",
    "decide": "Decide that groups are kept, or are not duplicates.",
}


@click.group("dedup", cls=LazyGroup, table=COMMANDS, package="cli.commands.dedup", default="find")
def command() -> None:
    """Find duplicates, review the plan, then act on it.

    `sightline dedup` writes a plan and a report, and changes no file. `sightline dedup apply PLAN`
    carries the plan out. `sightline dedup find --help` lists the options.
    """
