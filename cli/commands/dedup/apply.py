"""`sightline dedup apply`: do what a plan says."""

import os
from collections.abc import Iterable
from hashlib import file_digest
from pathlib import Path
from typing import Any

import click

from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND, keeping, spelled
from cli.options import json_option, library_option, yes_option
from cli.output.prompts import agreed
from cli.output.render import plural, printable, size, tell, write_json
from cli.pages.evidence_text import metadata_in_line, metadata_in_words
from cli.session import session
from cli.settings import Settings
from search.dedup.apply.actions import Action, Delete, Hardlink, Move, Reflink
from search.dedup.apply.apply import Outcome, apply
from search.dedup.apply.trash import Trash
from search.dedup.companions import MODES, CompanionMode
from search.dedup.plan.plan import Entry, read
from storage.errors import LibraryNotFound, SightlineError
from storage.tables.decisions import Decided
from storage.tables.files import is_under

FAILED = 3  # entries were refused


@click.command("apply", cls=Command)
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--trash", "way", flag_value="trash", help="To the trash; the default.")
@click.option("--hardlink", "way", flag_value="hardlink", help="One copy on disk under both names.")
@click.option("--reflink", "way", flag_value="reflink", help="One copy until either is changed.")
@click.option("--delete", "way", flag_value="delete", help="For good.")
@click.option("--move", metavar="DIR", type=click.Path(file_okay=False), help="Into a folder.")
@click.option(
    "--sidecar",
    is_flag=True,
    help="What only a dropped file says (keywords, rating, description, place, date, camera) goes "
    "into an XMP file beside its keeper.",
)
@click.option(
    "--companions",
    type=click.Choice(MODES),
    default="keep",
    show_default=True,
    help="A dropped file beside which others of its name lie (RAW, video, sidecars): keep it, "
    "unless its keeper has the same beside it; move them where it goes; or leave them.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, do nothing.")
@click.option(
    "--journal",
    type=click.Path(path_type=Path),
    help="What is done is written here. [default: beside the plan, named by its content]",
)
@yes_option
@json_option
@library_option
def command(plan: Path, way: str | None, move: str | None, **given: Any) -> int:
    """Drop the files that a plan drops; each and its keeper are checked just before.

    What is not as the plan says is left alone, with the reason, and so is what you decided to
    keep since. `sightline dedup undo JOURNAL` puts back what can be. An interrupted run goes on
    where it was when it is given again.
    """
    _check(way, move, given["companions"])
    entries, refused = read(plan)
    if refused and not entries:
        raise SightlineError(
            f"{plan} is no plan: of its {plural(len(refused), 'line')} none is a plan's; "
            f"line {refused[0].line}: {refused[0].reason}"
        )
    for bad in refused:
        tell(f"{plan}, line {bad.line}: {bad.reason}")
    drops = [entry for entry in entries if entry.action == "drop"]
    if not drops:
        tell(f"{plan} drops no file")
        return FAILED if refused else NOTHING_FOUND
    action: Action = _action(way) if move is None else Move(move)
    decided = _decided(given["library"], move)
    journal = given["journal"] or _journal_of(plan)
    question = _question(drops, action, given["companions"])
    if not (given["dry_run"] or agreed(question, given["yes"])):
        return DONE
    with keeping(lambda: f"what was done is in {journal}"):
        outcomes = apply(
            entries,
            action,
            journal,
            dry_run=given["dry_run"],
            sidecars=given["sidecar"],
            companions=given["companions"],
            decided=decided,
        )
        done, before, left = _tell(outcomes, given["as_json"], given["dry_run"])
    _tell_sum(done, before, left, journal, given["dry_run"])
    return FAILED if left or refused else DONE


def _check(way: str | None, move: str | None, companions: CompanionMode) -> None:
    """Refuse options that exclude each other; raises click.UsageError."""
    if move and way:
        raise click.UsageError(f"--move and --{way} exclude each other: choose one")
    if way in ("hardlink", "reflink") and companions == "move":
        raise click.UsageError(f"--{way} leaves files where they are: --companions move moves none")


def _tell_sum(done: int, before: int, left: int, journal: Path, dry_run: bool) -> None:
    would = "would be dropped" if dry_run else "dropped"
    earlier = f", {before:,} were before" if before else ""
    tell(f"{plural(done, 'file')} {would}{earlier}, {left:,} left as they were")
    if (done or before) and not dry_run:
        tell(f"put back with  sightline dedup undo {journal}")


def _journal_of(plan: Path) -> Path:
    """Name the journal by the plan's content: another plan of the same name has its own."""
    with plan.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    return plan.with_name(f"{plan.stem}-{digest[:8]}.journal.jsonl")


def _decided(library: str | None, move: str | None) -> Decided | None:
    """Read what was decided; a plan is carried out where its library is not there as well."""
    try:
        with session(Settings.read(library=library)) as app:
            if move is not None and any(
                is_under(os.path.realpath(move), root.path) for root in app.library.roots()
            ):
                tell(f"{move} lies in an indexed folder: the next sightline index finds them there")
            with app.library.catalogue.reading() as connection:
                return Decided.read(connection)
    except LibraryNotFound:
        if library is not None:
            raise
        return None


def _action(way: str | None) -> Action:
    match way:
        case "hardlink":
            return Hardlink()
        case "reflink":
            return Reflink()
        case "delete":
            return Delete()
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Trash(os.path.join(data, "Trash"))


def _question(drops: list[Entry], action: Action, companions: CompanionMode) -> str:
    many = f"{plural(len(drops), 'file')}, {size(sum(entry.bytes for entry in drops))}"
    more = {"keep": "", "move": " and their companions", "leave": ", their companions left behind"}
    return f"{action.name}: {many}{more[companions]}. Go on?"


def _tell(outcomes: Iterable[Outcome], as_json: bool, dry_run: bool) -> tuple[int, int, int]:
    done = before = left = 0
    for outcome in outcomes:
        done, before = done + outcome.done, before + outcome.before
        left += not (outcome.done or outcome.before)
        if as_json:
            write_json(
                {
                    "path": outcome.entry.path,
                    "done": outcome.done and not dry_run,
                    "would": outcome.done if dry_run else None,
                    "reason": spelled(outcome.failure) if outcome.failure else None,
                    "target": outcome.target,
                    "sidecar": outcome.sidecar,
                    "said": metadata_in_words(outcome.said),
                    "companions": list(outcome.companions),
                }
            )
            continue
        if outcome.before:
            continue
        if outcome.failure is not None:
            tell(f"left {printable(outcome.entry.path)}: {spelled(outcome.failure)}")
        elif dry_run:
            click.echo(f"would drop {printable(outcome.entry.path)}")
        if outcome.companions:
            names = ", ".join(printable(os.path.basename(one)) for one in outcome.companions)
            tell(f"{'would go' if dry_run else 'went'} with it: {names}")
        if outcome.sidecar is not None:
            said = printable(metadata_in_line(outcome.said))
            word = "would write" if dry_run else "wrote"
            tell(f"{word} into {printable(outcome.sidecar)}: {said}")
    return done, before, left
