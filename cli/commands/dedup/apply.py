"""`sightline dedup apply`: do what a plan says."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND, on_interrupt, spelled
from cli.options import json_option, library_option, yes_option
from cli.output.dedup_rows import outcome_row
from cli.output.prompts import confirm
from cli.output.render import plural, printable, size, write_json, write_notice, write_notices
from cli.pages.evidence_text import metadata_in_line
from cli.session import session
from cli.settings import Settings
from search.dedup.apply.actions import Action, Move
from search.dedup.apply.apply import Outcome
from search.dedup.companions import MODES, CompanionMode
from search.dedup.duplicates import ActionChoice, action_of, apply_plan
from search.dedup.plan.plan import Entry, PlanFile
from sightline import Sightline
from storage.errors import LibraryNotFound
from storage.tables.files import is_under

FAILED = 3  # entries were refused


@click.command("apply", cls=Command)
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--trash", "way", flag_value="trash", help="Move dropped files to the trash; the default."
)
@click.option(
    "--hardlink",
    "way",
    flag_value="hardlink",
    help="Replace dropped files by hard links to the kept ones.",
)
@click.option(
    "--reflink",
    "way",
    flag_value="reflink",
    help="Replace dropped files by reflinks (copy-on-write).",
)
@click.option("--delete", "way", flag_value="delete", help="Delete dropped files for good.")
@click.option(
    "--move",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Move dropped files into a folder.",
)
@click.option(
    "--sidecar",
    is_flag=True,
    help="Write metadata that only a dropped file has (keywords, rating, title, description, "
    "place, dates, camera) into an XMP file beside the kept one.",
)
@click.option(
    "--companions",
    type=click.Choice(MODES),
    default="keep",
    show_default=True,
    help="Files beside a dropped one with its name (RAW, video, sidecars): keep the dropped file "
    "unless the kept one has the same; move them along with it; or leave them behind.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, change nothing.")
@click.option(
    "--journal",
    type=click.Path(path_type=Path),
    help="Where to log what is done, for undo. [default: beside the plan]",
)
@yes_option
@json_option
@library_option
def command(plan: Path, way: ActionChoice | None, move: str | None, **given: Any) -> int:
    """Carry out a plan; each dropped file and the one kept for it are checked first.

    A file that is not as the plan says is left alone, with the reason, and so is one that you
    decided to keep since. `sightline dedup undo JOURNAL` undoes it. An interrupted run continues
    when the same command is run again.
    """
    _check(way, move, given["companions"])
    read = PlanFile.read(plan)
    write_notices(read.notices)
    if not read.drops:
        write_notice(f"{plan} drops no file")
        return FAILED if read.refused else NOTHING_FOUND
    action: Action = action_of(way or "trash") if move is None else Move(move)
    dry_run, journal = given["dry_run"], given["journal"] or read.journal
    question = _question(read.drops, action, given["companions"])
    with _library(given["library"]) as app:
        if move is not None and app is not None:
            _tell_indexed(app, move)
        if not (dry_run or confirm(question, given["yes"])):
            return DONE
        with on_interrupt(lambda: f"what was done is in {journal}"):
            outcomes = (app.duplicates.apply if app is not None else apply_plan)(
                read,
                action,
                journal=journal,
                dry_run=dry_run,
                sidecars=given["sidecar"],
                companions=given["companions"],
                each=partial(_tell, as_json=given["as_json"], dry_run=dry_run),
            )
    left = _tell_sum(outcomes, journal, dry_run)
    return FAILED if left or read.refused else DONE


@contextmanager
def _library(named: str | None) -> Iterator[Sightline | None]:
    """Open the library for what was decided; a plan is carried out where there is none as well."""
    with ExitStack() as stack:
        app = None
        try:
            app = stack.enter_context(session(Settings.read(library=named)))
        except LibraryNotFound:
            if named is not None:
                raise
        yield app


def _tell_indexed(app: Sightline, folder: str) -> None:
    if any(is_under(os.path.realpath(folder), root.path) for root in app.library.roots()):
        write_notice(
            f"{folder} lies in an indexed folder: the next sightline index finds them there"
        )


def _check(way: str | None, move: str | None, companions: CompanionMode) -> None:
    """Refuse options that exclude each other; raises click.UsageError."""
    if move and way:
        raise click.UsageError(f"--move and --{way} exclude each other: choose one")
    if way in ("hardlink", "reflink") and companions == "move":
        raise click.UsageError(f"--{way} leaves files where they are: --companions move moves none")


def _tell_sum(outcomes: Sequence[Outcome], journal: Path, dry_run: bool) -> int:
    """Write how many files were dropped, and return how many were left."""
    done = sum(outcome.done for outcome in outcomes)
    before = sum(outcome.before for outcome in outcomes)
    left = len(outcomes) - done - before
    would = "would be dropped" if dry_run else "dropped"
    earlier = f", {before:,} were before" if before else ""
    write_notice(f"{plural(done, 'file')} {would}{earlier}, {left:,} left as they were")
    if (done or before) and not dry_run:
        write_notice(f"put back with  sightline dedup undo {journal}")
    return left


def _question(drops: list[Entry], action: Action, companions: CompanionMode) -> str:
    many = f"{plural(len(drops), 'file')}, {size(sum(entry.bytes for entry in drops))}"
    more = {"keep": "", "move": " and their companions", "leave": ", their companions left behind"}
    return f"{action.name}: {many}{more[companions]}. Continue?"


def _tell(outcome: Outcome, as_json: bool, dry_run: bool) -> None:
    if as_json:
        write_json(outcome_row(outcome, dry_run))
        return
    if outcome.before:
        return
    if outcome.failure is not None:
        write_notice(f"left {printable(outcome.entry.path)}: {spelled(outcome.failure)}")
    elif dry_run:
        click.echo(f"would drop {printable(outcome.entry.path)}")
    if outcome.companions:
        names = ", ".join(printable(os.path.basename(one)) for one in outcome.companions)
        write_notice(f"{'would go' if dry_run else 'went'} with it: {names}")
    if outcome.sidecar is not None:
        said = printable(metadata_in_line(outcome.metadata))
        word = "would write" if dry_run else "wrote"
        write_notice(f"{word} into {printable(outcome.sidecar)}: {said}")
