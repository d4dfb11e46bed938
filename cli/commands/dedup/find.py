"""`sightline dedup`: find duplicates, write the plan and the page to review it by."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cli.caution import caution
from cli.command import Command
from cli.data_sets import check_data_set_options, data_set_options, leak, semantic
from cli.errors import DONE, NOTHING_FOUND, on_interrupt
from cli.options import filter_options, json_option, library_option
from cli.output.dedup_rows import entry_row
from cli.output.empty import why_nothing
from cli.output.progress import count_stages
from cli.output.render import plural, size, write_json, write_notice, write_notices
from cli.pages.dedup_report import write_page
from cli.pages.file_details import FileDetails
from cli.session import session
from cli.settings import Settings
from search.dedup.detect.kinds import CHECKED, KINDS, Kind, Thresholds
from search.dedup.find import DedupPlan
from search.dedup.plan.plan import Entry
from search.dedup.request import KEEP_RULES, LOOKED_FOR, DedupRequest
from search.targets import check_folder
from sightline import Sightline
from storage import Library
from storage.errors import SightlineError
from storage.filters import Filters
from storage.paths import expand_home

OUT = "sightline-dedup"
_KEPT = "what was compared is kept"
_STAGES = {"compare": "compared", "verify": "compared at full detail", "plan": "planned"}


@click.command("find", cls=Command)
@click.argument("folders", nargs=-1, metavar="")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    help="Kinds to look for; may be repeated. [default: all but similar]",
)
@click.option(
    "--drop",
    "dropped",
    type=click.Choice(KINDS),
    multiple=True,
    help="Kinds that the plan drops; may be repeated. [default: identical, same-picture]",
)
@click.option(
    "--keep",
    default=",".join(KEEP_RULES),
    show_default=True,
    metavar="RULES",
    help="Which file of a group is kept; the most important rule first.",
)
@click.option(
    "--prefer",
    type=click.Path(file_okay=False),
    multiple=True,
    metavar="DIR",
    help="Prefer to keep files of this folder; may be repeated, the most important first.",
)
@click.option(
    "--within",
    metavar="PATH",
    help="Only duplicates inside this folder, or of this one file anywhere.",
)
@click.option(
    "--against",
    metavar="PATH",
    help="Only duplicates between this folder and the rest (or --within).",
)
@click.option(
    "--crops/--no-crops",
    default=True,
    help="Look for crops and frames as well, which takes most of the time.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Change a threshold, as cosine=0.9; may be repeated. A wrong name lists them all. Changed "
    "thresholds compare everything again.",
)
@click.option("--out", type=click.Path(path_type=Path), help=f"[default: ./{OUT}]")
@data_set_options
@filter_options
@json_option
@library_option
def command(**given: Any) -> int:
    """Find duplicates and write a plan; no file is touched.

    Every file of a group was compared with the one that is kept. Review report.html, change what
    you like, and pass the plan to `sightline dedup apply`.
    """
    check_data_set_options()
    _check(given)
    filters = _narrowed(given)
    with session(Settings.read(library=given["library"])) as app:
        check_folder(app.library, filters, "folder" if given["within"] is None else "within")
        if given["semantic"]:
            _tell_caution(app.library)
            return semantic(app, filters, given)
        if given["leak"] is not None:
            return leak(app, filters, given)
        return _find(app, _request(filters, given), given)


def _find(app: Sightline, request: DedupRequest, given: Mapping[str, Any]) -> int:
    if "similar" in request.kinds:
        _tell_caution(app.library)
    with count_stages(_STAGES) as watch, on_interrupt(lambda: _KEPT):
        plan = app.duplicates.find(request, watch)
    write_notices(plan.notices)
    if not plan.entries:
        write_notice(_nothing(app, request.filters))
        return NOTHING_FOUND
    if given["as_json"]:
        for entry in plan.entries:
            write_json(entry_row(entry))
    if given["out"] is not None or not given["as_json"]:
        _write(app.library, plan, given["out"] or Path(OUT), given["library"], request.dropped)
    return DONE


def _request(filters: Filters, given: Mapping[str, Any]) -> DedupRequest:
    return DedupRequest(
        kinds=_kinds(given),
        drop=given["dropped"] or None,
        keep=tuple(name.strip() for name in given["keep"].split(",")),
        prefer=given["prefer"],
        filters=filters,
        against=given["against"],
        crops=given["crops"],
        thresholds=Thresholds().with_overrides(given["limits"]),
    )


def _check(given: Mapping[str, Any]) -> None:
    """Refuse words that would do nothing; raises click.UsageError."""
    for folder in given["folders"]:
        raise click.UsageError(
            f"dedup looks through the library: for one folder of it give --within {folder}"
        )
    for kind in given["dropped"]:
        if kind not in _kinds(given):
            wanted = " ".join(f"--kind {each}" for each in (*given["kinds"], kind))
            raise click.UsageError(f"--drop {kind}: such are not looked for; add {wanted}")


def _kinds(given: Mapping[str, Any]) -> tuple[Kind, ...]:
    return given["kinds"] or LOOKED_FOR


def _narrowed(given: Mapping[str, Any]) -> Filters:
    """Read the filters; `--within` is another word for `--in` that also takes a file."""
    filters = Filters.read(given)
    if given["within"] is None:
        return filters
    if given["folder"] is not None:
        raise click.UsageError("--within and --in name the same thing: give one of them")
    return replace(filters, folder=str(expand_home(given["within"]).resolve()))


def _tell_caution(library: Library) -> None:
    if warned := caution(library):
        write_notice(warned)


def _nothing(app: Sightline, filters: Filters) -> str:
    if app.library.is_empty() or filters.narrows:
        return f"no duplicates: {why_nothing(app, filters, 'image')}"
    return "no duplicates among the images of the library"


def _write(
    library: Library, plan: DedupPlan, out: Path, named: str | None, kinds: Collection[Kind]
) -> None:
    try:
        written = plan.write(out)
        page = write_page(plan.entries, looks := FileDetails(library, plan.entries), out)
    except OSError as error:
        raise SightlineError(
            f"{out} cannot be written ({error.strerror}): name another --out"
        ) from error
    if written.former:
        write_notice(f"the previous plan is now {written.former}")
    dropped = plan.dropped
    write_notice(
        f"{plural(plan.groups, 'group')}, {plural(len(dropped), 'file')} to drop, "
        f"{size(sum(entry.bytes for entry in dropped))} to free; nothing is changed yet"
    )
    if looks.losing:
        write_notice(
            f"{looks.losing:,} of them have metadata that their keepers lack (listed in the "
            "report): apply --sidecar writes it beside the keeper"
        )
    _tell_held(plan.entries, kinds)
    write_notice(f"look at  {page}")
    if dropped:
        # Of its library apply reads what was decided.
        where = f" --library {named}" if named else ""
        write_notice(f"then     sightline dedup apply {written.path}{where}")
    else:
        write_notice("to drop some, mark them there and save the plan, or give --drop KIND")


def _tell_held(plan: Sequence[Entry], kinds: Collection[Kind]) -> None:
    """Report the files that stay for what they hold, and of those that have companions."""
    others = [entry for entry in plan if entry.path != entry.keeper and entry.kind in kinds]
    more = sum("extras" in entry.evidence for entry in others)
    if more:
        write_notice(
            f"{plural(more, 'file')} kept for what only they hold, such as a video or a depth map "
            "(the report says what)"
        )
    unseen = sum(entry.kind in CHECKED and "differs" not in entry.evidence for entry in others)
    if unseen:
        write_notice(
            f"{plural(unseen, 'file')} kept that could not be compared at full detail: changed "
            "since the last sightline index, not to be read, or not to be laid on the keeper"
        )
    beside = sum(entry.action == "drop" and bool(entry.companions) for entry in plan)
    if beside:
        write_notice(
            f"beside {beside:,} of those to drop lie companions (RAW, video, sidecars): apply "
            "keeps what would be parted from them, --companions move takes them along"
        )
