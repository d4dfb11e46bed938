"""`sightline failures`: the files that could not be used, and another try at them."""

import os

import click

from cli.command import Command
from cli.indexing import run_index, summarise
from cli.options import json_option, library_option
from cli.output.json_rows import failure_row, report_row
from cli.output.render import plural, printable, tell, write_json
from cli.session import session
from cli.settings import Settings
from indexer import IndexConfig
from storage import Failure, Library


@click.command("failures", cls=Command)
@click.option("--retry", is_flag=True, help="Try to read them again.")
@library_option
@json_option
def command(retry: bool, library: str | None, as_json: bool) -> None:
    """List the files that could not be used, or try them again.

    Those that could be used in part are listed too. A file is tried again by itself as soon as it
    changes.
    """
    settings = Settings.read(library=library)
    with session(settings) as opened:
        failures = opened.failures()
        failed = [failure for failure in failures if not failure.partial]
        if retry and failed:
            _retry(opened, settings, failed, as_json)
            return
    if as_json:
        for failure in failures:
            write_json(failure_row(failure))
    else:
        for failure in failures:
            click.echo(f"{printable(failure.path)}\n  {failure.stage}: {printable(failure.reason)}")
    if not failures:
        tell("no failures: every file that was found could be used or was skipped")


def _retry(library: Library, settings: Settings, failures: list[Failure], as_json: bool) -> None:
    paths = dict.fromkeys(failure.path for failure in failures)  # a file may fail by model too
    # Where a folder has taken a file's place, the next run over its root forgets the failure.
    files = tuple(path for path in paths if not os.path.isdir(path))
    tell(f"trying {plural(len(files), 'file')} again")
    config = IndexConfig(
        files=files,
        exclude=settings.exclude,
        exclude_by_root=True,
        retry_failures=True,
        workers=settings.workers,
        limits=settings.file_limits(),
    )
    report = run_index(library, settings, config)
    if as_json:
        write_json(report_row(report))
    else:
        summarise(report)
