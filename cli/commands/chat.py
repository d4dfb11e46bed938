"""`sightline chat`: a dialogue about images, typed or piped."""

import sys
from collections.abc import Iterator

import click

from cli.caution import caution
from cli.command import Command
from cli.errors import DONE, on_interrupt, spelled
from cli.options import json_option, library_option, model_option
from cli.output.json_rows import turn_row
from cli.output.prompts import is_interactive
from cli.output.render import printable, write_json, write_notice, write_notices
from cli.session import session
from cli.settings import Settings
from search import Chat
from search.hits import first_path
from storage import Item
from storage.errors import ModelError

PROMPT = "> "


@click.command("chat", cls=Command)
@click.argument("items", nargs=-1, required=True, metavar="ITEM|PATH...")
@model_option
@json_option
@library_option
def command(items: tuple[str, ...], model: str | None, as_json: bool, library: str | None) -> int:
    """Talk with a model about one or more images.

    Each line, typed or from a pipe, gets an answer that takes the dialogue so far into account.
    An empty line or Ctrl-D ends it.
    """
    with session(Settings.read(library=library)) as app:
        typing, chosen = is_interactive(), list[Item]()

        def ready(about: list[Item], name: str) -> None:
            chosen.extend(about)
            if typing:
                for item in about:
                    write_notice(f"about {first_path(item)}")
                write_notice(f"{name} is getting ready; an empty line or Ctrl-D ends the dialogue")

        chat = app.chat(*dict.fromkeys(items), model=model, ready=ready)
        write_notices(chat.notices)
        if model is None and (warned := caution(app.library, "dialogue")):
            write_notice(warned)
        with on_interrupt(lambda: "nothing of a dialogue is stored"):
            for line in _lines(typing):
                reply = _reply(chat, line, typing)
                if reply and as_json:
                    write_json(turn_row(chosen, line, reply, chat.model))
                elif reply:
                    click.echo(printable(reply))
    return DONE


def _reply(chat: Chat, line: str, typing: bool) -> str:
    try:
        return chat.say(line)
    except ModelError as error:
        if not typing:
            raise
        write_notice(spelled(error))  # a person can say it in other words
        return ""


def _lines(typing: bool) -> Iterator[str]:
    """Read what is said until an empty line or the end, asking for it only on a terminal."""
    while True:
        if typing:
            click.echo(PROMPT, nl=False, err=True)
        line = sys.stdin.readline().removeprefix("\ufeff")  # as some programs begin a pipe
        if not line.strip():
            if typing and not line:
                click.echo(err=True)  # Ctrl-D leaves the prompt's line open
            return
        yield line.strip()
