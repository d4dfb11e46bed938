"""`sightline failures`: the files that could not be used, and another try at them."""

from functools import partial

import click

from cli.command import Command
from cli.indexing import run_index, summarise
from cli.options import json_option, library_option
from cli.output.json_rows import failure_row, report_row
from cli.output.render import plural, printable, write_json, write_notice
from cli.session import session
from cli.settings import Settings
from sightline import Sightline


@click.command("failures", cls=Command)
@click.option("--retry", is_flag=True, help="Try these files again.")
@library_option
@json_option
def command(retry: bool, library: str | None, as_json: bool) -> None:
    """List the files that could not be used, or try them again.

    Files that could only be used in part are listed too. A file that changes is tried again by the
    next `sightline index`.
    """
    with session(Settings.read(library=library)) as app:
        failures = app.failures()
        if retry and not all(failure.partial for failure in failures):
            _retry(app, as_json)
            return
    if as_json:
        for failure in failures:
            write_json(failure_row(failure))
    else:
        for failure in failures:
            click.echo(f"{printable(failure.path)}\n  {failure.stage}: {printable(failure.reason)}")
    if not failures:
        write_notice("no failures: every file that was found could be used or was skipped")


def _retry(app: Sightline, as_json: bool) -> None:
    again = app.to_retry()
    write_notice(f"trying {plural(len(again), 'file')} again")
    report = run_index(app, partial(app.retry, again))
    if as_json:
        write_json(report_row(report))
    else:
        summarise(report)
