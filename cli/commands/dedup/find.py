"""`sightline dedup`: find duplicates, write the plan and the page to review it by."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from cli.boundary import DONE, NOTHING_FOUND, keeping
from cli.duplicates_page import ItemLook, write_page
from cli.options import filter_options, json_option, library_option
from cli.progress import counting
from cli.question import check_folder, filters_of, narrows, why_nothing
from cli.render import plural, size, tell, write_json
from cli.session import session
from cli.settings import Settings
from search.duplicates.entries import DROPPED, entries
from search.duplicates.finding import Finder
from search.duplicates.groups import Grouping
from search.duplicates.keepers import DEFAULT, KeepOrder
from search.duplicates.kinds import KINDS, Kind, Thresholds
from search.duplicates.plan import Entry, write
from storage import Library, items
from storage.errors import PathNotFound, SightlineError
from storage.filters import Filters
from storage.selection import select_items

PLAN = "plan.jsonl"
OUT = "sightline-dedup"
_KEPT = "what was compared is kept; run the command again to go on"


@click.command("find")
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
@click.option("--against", metavar="PATH", help="Only duplicates between the rest and this folder.")
@click.option(
    "--crops/--no-crops",
    default=True,
    help="Compare local features as well: they find crops and frames, and cost most of the time.",
)
@click.option("--out", type=click.Path(path_type=Path), help=f"[default: ./{OUT}]")
@filter_options
@json_option
@library_option
def command(**given: Any) -> int:
    """Find duplicates and write a plan; no picture is touched.

    Every file of a group was compared with its keeper. Look at report.html, change what you
    like, and give the plan to `sightline dedup apply`.
    """
    filters = filters_of(given)
    kinds: Sequence[Kind] = given["kinds"] or [kind for kind in KINDS if kind != "similar"]
    order = KeepOrder([name.strip() for name in given["keep"].split(",")], given["prefer"])
    with session(Settings.read(library=given["library"])) as library:
        check_folder(library, filters)
        within, against = _chosen(library, filters, given["against"])
        _compare(library, given["crops"])
        dropped = given["dropped"] or DROPPED
        groups = Grouping(library, order, kinds, dropped).run(within, against)
        plan = list(entries(groups, dropped))
        if not plan:
            tell(_nothing(library, filters))
            return NOTHING_FOUND
        if given["as_json"]:
            for entry in plan:
                write_json(_row(entry))
        if given["out"] is not None or not given["as_json"]:
            _write(library, plan, given["out"] or Path(OUT))
    return DONE


def _chosen(
    library: Library, filters: Filters, against: str | None
) -> tuple[list[int] | None, list[int] | None]:
    """Give the pictures to look among, and those to hold them against; None for all."""
    with library.catalogue.reading() as connection:
        within = select_items(connection, "image", filters) if narrows(filters) else None
        if against is None:
            return within, None
        folder = Filters(folder=str(Path(against).expanduser().resolve()))
        theirs = select_items(connection, "image", folder)
        if not theirs:
            raise PathNotFound(f"--against {against}: the library holds no picture of it")
        if within is None:
            inside = set(theirs)
            every = select_items(connection, "image", Filters())
            within = [number for number in every if number not in inside]
    return within, theirs


def _compare(library: Library, crops: bool) -> None:
    done = 0
    with counting("compared") as count, keeping(lambda: _KEPT):

        def watch(what: str, many: int) -> None:
            nonlocal done
            done += many if what == "pairs" else 0
            count.show(done, done)

        found = Finder(library, Thresholds(), crops, watch).run()
    if found.unseen:
        tell(
            f"{plural(found.unseen, 'picture')} not compared for want of a thumbnail: "
            "sightline index makes it again"
        )


def _nothing(library: Library, filters: Filters) -> str:
    if library.is_empty() or narrows(filters):
        return f"no duplicates: {why_nothing(library, filters, 'image')}"
    return "no duplicates among the pictures of the library"


def _write(library: Library, plan: Sequence[Entry], out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        write(plan, out / PLAN)
        page = write_page(plan, _look(library), out)
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
    tell(f"look at  {page}")
    tell(f"then     sightline dedup apply {out / PLAN}")


def _look(library: Library) -> Callable[[str], ItemLook]:
    def look(content: str) -> ItemLook:
        with library.catalogue.reading() as connection:
            number = items.numbers(connection, "image", [content])[content]
            item = items.hydrate(connection, [number])[number]
        place = item.capture.latitude, item.capture.longitude
        return ItemLook(
            thumbnail=library.thumbnail(content),
            width=item.width,
            height=item.height,
            format=item.format,
            taken_at=item.capture.taken_at,
            camera=item.capture.camera,
            metadata={} if None in place else {"place": f"{place[0]:.5f}, {place[1]:.5f}"},
        )

    return look


def _row(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
