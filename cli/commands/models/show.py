"""`sightline models show`: a model as the tables of the papers print it."""

import click

from cli.command import Command
from cli.errors import with_step
from cli.options import json_option
from cli.output.render import size, write_facts, write_json, write_notice
from indexer.models import cached, find, memory_need
from indexer.models.info.architecture import describe_architecture


@click.command("show", cls=Command)
@click.argument("model", metavar="NAME")
@json_option
def command(model: str, as_json: bool) -> None:
    """Show how a model is built, part by part.

    NAME is one that `sightline models` lists, open_clip:ARCH/TAG, hf:ORG/NAME or a directory.
    Nothing is downloaded: of a model that is not on this machine, only what is known without its
    files is shown.
    """
    told = describe_architecture(model)
    entry = find(model)
    held, need = cached(model), memory_need(entry)
    if as_json:
        sections = {section.title: dict(section.rows) for section in told.sections}
        write_json(
            {
                "name": told.name,
                "family": told.family,
                "roles": list(entry.roles),
                "licence": entry.licence,
                "bytes": held,
                "memory": need,
                "sections": sections,
            }
        )
    else:
        facts = [("name", told.name), ("family", told.family)]
        facts += [("here", "no" if held is None else size(held))]
        facts += [("memory", "" if need is None else size(need))]
        write_facts(facts)
        for section in told.sections:
            click.echo(click.style(f"\n{section.title}", bold=True))
            write_facts((f"  {name}", value) for name, value in section.rows)
    if told.notice:
        write_notice(with_step(told.notice, told.hint))
