"""`sightline dedup`: find duplicates, write the plan and the page to review it by."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from cli.caution import caution
from cli.command import Command
from cli.data_sets import check_data_set_options, data_set_options, leak, semantic
from cli.errors import DONE, NOTHING_FOUND, keeping
from cli.options import filter_options, json_option, library_option
from cli.output.progress import counting
from cli.output.render import plural, size, tell, write_json
from cli.pages.dedup_report import write_page
from cli.pages.file_details import Looks
from cli.question import why_nothing
from cli.session import session
from cli.settings import Settings
from search.dedup.detect.detail_check import DetailCheck
from search.dedup.detect.finder import Finder
from search.dedup.detect.kinds import CHECKED, KINDS, Kind, Thresholds
from search.dedup.plan.entries import DROPPED, entries
from search.dedup.plan.groups import Grouping
from search.dedup.plan.keepers import DEFAULT, KeepOrder
from search.dedup.plan.plan import Entry, line, write
from sightline import Sightline, check_folder
from storage import Library
from storage.errors import LibraryReadOnly, PathNotFound, SightlineError
from storage.filters import Filters
from storage.paths import expand_home
from storage.selection import select_items
from storage.tables import duplicate_pairs
from storage.tables.decisions import Decided

PLAN = "plan.jsonl"
FORMER = "plan.former.jsonl"
OUT = "sightline-dedup"
_KEPT = "what was compared is kept"


@click.command("find", cls=Command)
@click.argument("folders", nargs=-1, metavar="")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    help="What to look for; repeat it. [default: all but similar]",
)
@click.option(
    "--drop",
    "dropped",
    type=click.Choice(KINDS),
    multiple=True,
    help="What the plan drops, the rest it keeps; repeat it. [default: identical, same-picture]",
)
@click.option(
    "--keep",
    default=",".join(DEFAULT),
    show_default=True,
    metavar="RULES",
    help="What makes a file the one to keep, the weightiest first.",
)
@click.option(
    "--prefer",
    type=click.Path(file_okay=False),
    multiple=True,
    metavar="DIR",
    help="Keep files of this folder before others; repeat it, the dearest first.",
)
@click.option(
    "--within",
    metavar="PATH",
    help="Only duplicates inside this folder, or of this file wherever they are.",
)
@click.option(
    "--against",
    metavar="PATH",
    help="Only duplicates between this folder and the rest (or what --within names).",
)
@click.option(
    "--crops/--no-crops",
    default=True,
    help="Compare local features as well: they find crops and frames, and cost most of the time.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Where a kind begins, as cosine=0.9; repeat it. Wrong names are answered with all of "
    "them. What was found by other limits is compared again.",
)
@click.option("--out", type=click.Path(path_type=Path), help=f"[default: ./{OUT}]")
@data_set_options
@filter_options
@json_option
@library_option
def command(**given: Any) -> int:
    """Find duplicates and write a plan; no picture is touched.

    Every file of a group was compared with its keeper. Look at report.html, change what you
    like, and give the plan to `sightline dedup apply`.
    """
    check_data_set_options()
    _check(given)
    filters = _narrowed(given)
    limits = Thresholds().changed(given["limits"])
    kinds = _kinds(given)
    order = KeepOrder([name.strip() for name in given["keep"].split(",")], given["prefer"])
    with session(Settings.read(library=given["library"])) as app:
        check_folder(app.library, filters, "folder" if given["within"] is None else "within")
        if given["semantic"]:
            _tell_caution(app.library)
            return semantic(app.library, filters, given)
        _check_writable(app.library)
        if given["leak"] is not None:
            return leak(app, filters, given)
        within, against = _chosen(app.library, filters, given["against"])
        folders = _folders(filters, given["against"])
        if "similar" in kinds:
            _tell_caution(app.library)
        _compare(app.library, limits, given["crops"], "similar" in kinds)
        dropped = given["dropped"] or DROPPED
        with keeping(lambda: _KEPT), _closely(app, limits) as check:
            grouping = Grouping(app.library, order, kinds, dropped, check)
            groups = list(grouping.run(within, against, folders))
        plan = _counted(entries(groups, dropped, _decided(app.library)))
        if not plan:
            tell(_nothing(app.library, filters))
            return NOTHING_FOUND
        if given["as_json"]:
            for entry in plan:
                write_json(_row(entry))
        if given["out"] is not None or not given["as_json"]:
            _write(app.library, plan, given["out"] or Path(OUT), given["library"], dropped)
    return DONE


def _check_writable(library: Library) -> None:
    if library.catalogue.read_only:
        raise LibraryReadOnly(
            f"the library {library.path} can only be read here, and this would change it: what "
            "dedup compares is kept in it; copy that folder, without the pictures, to where you "
            "may write, and name the copy by --library"
        )


def _decided(library: Library) -> Decided:
    with library.catalogue.reading() as connection:
        return Decided.read(connection)


@contextmanager
def _closely(app: Sightline, limits: Thresholds) -> Iterator[DetailCheck]:
    """Yield what looks at pairs at full detail, and count on the terminal how many it did."""
    with counting("looked at closely") as count, app.comparing() as pool:
        yield DetailCheck(limits, app.library.thumbnail, pool, app.limits, count.show)


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


def _kinds(given: Mapping[str, Any]) -> Sequence[Kind]:
    return given["kinds"] or [kind for kind in KINDS if kind != "similar"]


def _narrowed(given: Mapping[str, Any]) -> Filters:
    """Read the filters; `--within` is another word for `--in` that also takes a file."""
    filters = Filters.read(given)
    if given["within"] is None:
        return filters
    if given["folder"] is not None:
        raise click.UsageError("--within and --in name the same thing: give one of them")
    return replace(filters, folder=str(expand_home(given["within"]).resolve()))


def _chosen(
    library: Library, filters: Filters, against: str | None
) -> tuple[list[int] | None, list[int] | None]:
    """Return the pictures to look among, and those to hold them against; None for all."""
    file = filters.folder if filters.folder and Path(filters.folder).is_file() else None
    with library.catalogue.reading() as connection:
        within = select_items(connection, "image", filters) if filters.narrows else None
        if against is None:
            return within, duplicate_pairs.elsewhere(connection, file) if file else None
        folder = str(expand_home(against).resolve())
        theirs = select_items(connection, "image", Filters(folder=folder))
        if not theirs:
            raise PathNotFound(
                f"--against {against}: the library holds no picture of it; "
                f"sightline index {against}"
            )
        return duplicate_pairs.elsewhere(connection, folder) if within is None else within, theirs


def _folders(filters: Filters, against: str | None) -> list[str]:
    """Return the folders that nothing outside of is to be touched; none for everywhere.

    A file is held against the whole library, as are the pictures that are `against` the rest.
    """
    if filters.folder is None or Path(filters.folder).is_file():
        return []
    return [filters.folder, *([str(expand_home(against).resolve())] if against else [])]


def _compare(library: Library, limits: Thresholds, crops: bool, scenes: bool) -> None:
    done = 0
    with counting("compared") as count, keeping(lambda: _KEPT):

        def watch(what: str, many: int) -> None:
            nonlocal done
            done += many if what == "pairs" else 0
            count.show(done, done)

        found = Finder(library, limits, crops, scenes, watch).run()
    if found.unseen:
        tell(
            f"{plural(found.unseen, 'picture')} not compared for want of a thumbnail: "
            "sightline index makes it again"
        )
    if found.failed:
        tell(f"{plural(found.failed, 'pair')} could not be compared: their files stay")


def _counted(found: Iterable[Entry]) -> list[Entry]:
    """Make the plan; files that may hold more than an image are read for it."""
    plan = []
    with counting("planned") as count:
        for entry in found:
            plan.append(entry)
            count.show(len(plan), len(plan))
    return plan


def _tell_caution(library: Library) -> None:
    if warned := caution(library):
        tell(warned)


def _nothing(library: Library, filters: Filters) -> str:
    if library.is_empty() or filters.narrows:
        return f"no duplicates: {why_nothing(library, filters, 'image')}"
    return "no duplicates among the pictures of the library"


def _write(
    library: Library,
    plan: Sequence[Entry],
    out: Path,
    named: str | None,
    kinds: Collection[Kind],
) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        _put_aside(plan, out)
        write(plan, out / PLAN)
        page = write_page(plan, looks := Looks(library, plan), out)
    except OSError as error:
        raise SightlineError(
            f"{out} cannot be written ({error.strerror}): name another --out"
        ) from error
    dropped = [entry for entry in plan if entry.action == "drop"]
    groups = plan[-1].group
    tell(
        f"{plural(groups, 'group')}, {plural(len(dropped), 'file')} to drop, "
        f"{size(sum(entry.bytes for entry in dropped))} to win; nothing is changed yet"
    )
    if looks.losing:
        tell(
            f"what the keeper does not say goes with {looks.losing:,} of them (the report tells "
            "what): apply --sidecar writes it beside the keeper"
        )
    _tell_held(plan, kinds)
    tell(f"look at  {page}")
    if dropped:
        # Of its library apply reads what was decided.
        where = f" --library {named}" if named else ""
        tell(f"then     sightline dedup apply {out / PLAN}{where}")
    else:
        tell("to let any go, mark it there and save the plan, or give --drop KIND")


def _tell_held(plan: Sequence[Entry], kinds: Collection[Kind]) -> None:
    """Report the files that stay for what they hold, and of those that have companions."""
    others = [entry for entry in plan if entry.path != entry.keeper and entry.kind in kinds]
    more = sum("extras" in entry.evidence for entry in others)
    if more:
        tell(
            f"{plural(more, 'file')} kept for what only they hold, such as a video or a depth map "
            "(the report says what)"
        )
    unseen = sum(entry.kind in CHECKED and "differs" not in entry.evidence for entry in others)
    if unseen:
        tell(
            f"{plural(unseen, 'file')} kept that could not be compared at full detail: changed "
            "since the last sightline index, not to be read, or not to be laid on the keeper"
        )
    beside = sum(entry.action == "drop" and bool(entry.companions) for entry in plan)
    if beside:
        tell(
            f"beside {beside:,} of those to drop lie companions (RAW, video, sidecars): apply "
            "keeps what would be parted from them, --companions move takes them along"
        )


def _put_aside(plan: Sequence[Entry], out: Path) -> None:
    """Keep a former plan that is another one: a person may have worked on it."""
    former = out / PLAN
    if not former.is_file():
        return
    with former.open(encoding="ascii", errors="replace", newline="") as stream:
        same = all(one == other for one, other in zip_longest(stream, map(line, plan)))
    if not same:
        former.replace(out / FORMER)
        tell(f"the former plan is now {out / FORMER}")


def _row(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
