"""The command `sightline`: a table of verbs, each loaded only when it is asked for."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from cli.errors import run_guarded
from cli.lazy_group import LazyGroup
from cli.output.streams import prepare_streams

COMMANDS = {
    "index": "Read folders of images and texts into the library.",
    "search": "Find images and texts by meaning.",
    "describe": "Write a caption for each image.",
    "ask": "Ask a question about images.",
    "chat": "Talk with a model about one or more images.",
    "tag": "Label images, list the labels or remove them.",
    "dedup": "Find duplicates, review the plan, then act on it.",
    "show": "Show all that is known of one item.",
    "status": "Show what the library holds.",
    "failures": "List the files that could not be used, or try them again.",
    "remove": "Take a folder or a file out of the library; the files themselves stay.",
    "forget": "Take files that are gone out of the library.",
    "use": "Switch searches to another model's vectors.",
    "models": "List, show, recommend, download and prune models.",
    "demo": "Draw a small library, index it and search it.",
    "doctor": "Check the installation and show where everything is.",
}


class Sightline(LazyGroup):
    """The group at the top: it stands inside the error boundary."""

    def main(self, args: Sequence[str] | None = None, **_: Any) -> Any:  # type: ignore[override]
        """Run one command inside the error boundary and exit with its code."""
        run, words = super().main, sys.argv[1:] if args is None else args
        sys.exit(run_guarded(lambda: run(words, "sightline", standalone_mode=False), words))


@click.group(
    cls=Sightline,
    table=COMMANDS,
    package="cli.commands",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="sightline", message="sightline %(version)s")
def cli() -> None:
    """Find images and texts by meaning, on your own machine.

    Start with `sightline demo`, or with `sightline index ~/Pictures` and then
    `sightline search "red kite"`.

    Exit codes: 0 done or found, 1 nothing found, 2 usage, 3 an error, 130 interrupted.
    """


def main() -> None:
    """Run `sightline`; the entry point of the installed command."""
    prepare_streams()
    cli()
