"""`sightline models`: what `--model` takes."""

import click

from cli.options import json_option
from cli.render import tell, write_json, write_table
from indexer.models import names

HEADS = ("name", "role", "what it is")


@click.command("models")
@click.argument("pattern", default="*")
@json_option
def command(pattern: str, as_json: bool) -> int:
    """List the models that --model takes.

    PATTERN may hold wildcards: `sightline models "clip*"`.
    """
    entries = names(pattern)
    if not entries:
        tell(f"no model is called {pattern!r}: sightline models lists all")
        return 1
    if as_json:
        for entry in entries:
            write_json(
                {
                    "name": entry.name,
                    "role": entry.role,
                    "source": entry.source,
                    "revision": entry.revision,
                    "note": entry.note,
                }
            )
        return 0
    write_table([(entry.name, entry.role, entry.note) for entry in entries], HEADS)
    return 0
