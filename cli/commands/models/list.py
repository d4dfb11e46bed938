"""`sightline models`: what there is, what it can do, what is here and what it takes."""

from typing import get_args

import click

from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND
from cli.options import json_option
from cli.output.json_rows import Row
from cli.output.render import size, write_json, write_notice, write_table
from indexer.models import ModelEntry, Role, cached, memory_need, names

HEADS = ("name", "roles", "here", "memory", "what it is")


@click.command("list", cls=Command)
@click.argument("pattern", default="*")
@click.option("--role", type=click.Choice(get_args(Role)), help="Only models that can do this.")
@json_option
def command(pattern: str, role: Role | None, as_json: bool) -> int:
    """List the models (the default).

    PATTERN may hold wildcards: `sightline models "clip*"`, `sightline models "open_clip:*"`.
    """
    entries = names(pattern, role)
    if not entries:
        these = f"is a {role} and " if role else "is "
        write_notice(f"no model {these}called {pattern!r}: sightline models lists all")
        return NOTHING_FOUND
    if as_json:
        for entry in entries:
            write_json(_row(entry))
    else:
        write_table([_cells(entry) for entry in entries], HEADS)
    return DONE


def _row(entry: ModelEntry) -> Row:
    """Return one model; `bytes` are null where it is not here, `memory` where it is not known."""
    held = cached(entry.name)
    return {
        "name": entry.name,
        "role": entry.roles[0],
        "roles": list(entry.roles),
        "source": entry.source,
        "revision": entry.revision,
        "repository": entry.repository,
        "licence": entry.licence,
        "note": entry.note,
        "cached": held is not None,
        "bytes": held,
        "memory": memory_need(entry),
    }


def _cells(entry: ModelEntry) -> tuple[str, ...]:
    held, need = cached(entry.name), memory_need(entry)
    return (
        entry.name,
        ", ".join(entry.roles),
        "" if held is None else size(held) if held else "yes",
        "" if need is None else size(need),
        entry.note,
    )
