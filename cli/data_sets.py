"""`sightline dedup --semantic` and `--leak`: duplicates for those who make data sets."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
from click.core import ParameterSource

from cli.errors import DONE, NOTHING_FOUND
from cli.output.lists import FORMS, Form, ListFile, list_path, writing_list
from cli.output.progress import counting
from cli.output.render import Row, plural, tell, write_json, write_table
from cli.outside_pictures import OutsidePictures
from cli.question import why_nothing
from search.dedup.detect.detail_check import DetailCheck
from search.dedup.detect.kinds import KINDS, Thresholds
from search.dedup.detect.leakage import Leak, LeakFinder
from search.dedup.detect.semdedup import COSINES, Cluster, SemDeDup, check_cosines
from sightline import Sightline
from storage import Filters, Item, Library
from storage.errors import PathNotFound
from storage.filters import FILTERS
from storage.paths import expand_home
from storage.selection import select_items
from storage.tables import items
from storage.tables.files import is_under

Function = TypeVar("Function", bound=Callable[..., object])
OUT = Path("sightline-dedup")
_COMMON = {*FILTERS, "within", "form", "out", "as_json", "library"}
_MODES = {
    "semantic": _COMMON | {"semantic", "cosines"},
    "leak": _COMMON | {"leak", "kinds", "crops", "limits"},
}
_SEMANTIC_COLUMNS = {
    "item": "string",
    "path": "string",
    "cluster": "int64",
    "keep": "bool",
    "instead": "string",  # item that stands for a dropped one
    "instead_path": "string",
    "cosine": "float32",
}
_LEAK_COLUMNS = {
    "path": "string",  # of the test picture
    "item": "string",  # its hash
    "kind": "string",
    "training_path": "string",
    "training_item": "string",
    "evidence": "string",  # JSON
}


def data_set_options(function: Function) -> Function:
    """Add `--semantic`, `--leak`, `--cosine` and `--list`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--semantic",
        is_flag=True,
        help="For a data set: lists of what to keep and to drop, by meaning.",
    ),
    click.option(
        "--cosine",
        "cosines",
        type=float,
        multiple=True,
        metavar="C",
        help="With --semantic, how alike is too alike; repeat it. "
        f"[default: {', '.join(f'{cosine:g}' for cosine in COSINES)}]",
    ),
    click.option(
        "--leak", metavar="TEST_DIR", help="Which pictures of this folder the library holds."
    ),
    click.option(
        "--list",
        "form",
        type=click.Choice(FORMS),
        help="With --semantic or --leak, what the lists in --out hold. [default: paths]",
    ),
)


def check_data_set_options() -> None:
    """Refuse options of the running command that would do nothing; raises click.UsageError."""
    context = click.get_current_context()
    given = {
        parameter.name: parameter.opts[0]
        for parameter in context.command.params
        if parameter.name is not None
        and context.get_parameter_source(parameter.name) is not ParameterSource.DEFAULT
    }
    modes = [mode for mode in _MODES if mode in given]
    if len(modes) > 1:
        raise click.UsageError("--semantic and --leak exclude each other: choose one")
    if not modes:
        for name, mode in (("cosines", "--semantic"), ("form", "--semantic or --leak")):
            if name in given:
                raise click.UsageError(f"{given[name]} does nothing without {mode}")
        return
    idle = [option for name, option in given.items() if name not in _MODES[modes[0]]]
    if "cosines" in given and modes[0] == "leak":
        raise click.UsageError("--cosine does nothing without --semantic")
    if idle:
        raise click.UsageError(f"{idle[0]} does nothing with --{modes[0]}: leave it out")


def semantic(library: Library, filters: Filters, given: Mapping[str, Any]) -> int:
    """Write a keep and a drop list for each threshold, and tell the share that is kept."""
    cosines = check_cosines(given["cosines"])
    out = Path(given["out"] or OUT)
    form: Form = given["form"] or "paths"
    places = [[list_path(out, f"{word}-{c:g}", form) for word in ("keep", "drop")] for c in cosines]
    counts, compared = np.zeros((len(cosines), 2), np.int64), 0
    with ExitStack() as stack, counting("compared") as count:
        clusters = SemDeDup(library, cosines, filters).run()
        first = next(clusters, None)  # before any file is made
        if first is None:
            tell(f"no pictures to compare: {why_nothing(library, filters, 'image')}")
            return NOTHING_FOUND
        lists = [
            [stack.enter_context(writing_list(path, form, _SEMANTIC_COLUMNS)) for path in pair]
            for pair in places
        ]
        for cluster in _and(first, clusters):
            counts += _write_cluster(library, filters, cluster, lists, form)
            compared += len(cluster.items)
            count.show(compared, compared)
    _tell_lacking(library, filters, compared)
    rows = [
        {
            "cosine": cosine,
            "kept": int(kept),
            "dropped": int(dropped),
            "share": round(int(kept) / max(1, int(kept + dropped)), 6),
            "keep": str(pair[0]),
            "drop": str(pair[1]),
        }
        for cosine, (kept, dropped), pair in zip(cosines, counts, places, strict=True)
    ]
    _tell_shares(rows, given["as_json"])
    return DONE


def _tell_lacking(library: Library, filters: Filters, compared: int) -> None:
    with library.catalogue.reading() as connection:
        lacking = len(select_items(connection, "image", filters)) - compared
    if lacking > 0:
        tell(
            f"{plural(lacking, 'picture')} in no list for want of a vector: "
            "sightline index makes it"
        )


def _tell_shares(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        for row in rows:
            write_json(row)
        return
    cells = [
        (
            f"{row['cosine']:g}",
            f"{row['kept']:,}",
            f"{row['dropped']:,}",
            f"{row['share']:.1%}",
            row["keep"],
        )
        for row in rows
    ]
    write_table(cells, ("cosine", "kept", "dropped", "kept share", "keep list"))


def _and(first: Cluster, rest: Iterable[Cluster]) -> Iterator[Cluster]:
    yield first
    yield from rest


def _write_cluster(
    library: Library,
    filters: Filters,
    cluster: Cluster,
    lists: Sequence[Sequence[ListFile]],
    form: Form,
) -> np.ndarray:
    """Write the files of a cluster's pictures; gives (t, 2) counts of files kept and dropped."""
    with library.catalogue.reading() as connection:
        known = items.hydrate(connection, cluster.items.tolist())
    counts = np.zeros((len(lists), 2), np.int64)
    for mark, (keep, drop) in enumerate(lists):
        for place in range(len(cluster.items)):
            for row in _semantic_rows(known, cluster, mark, place, filters):
                counts[mark, 0 if row["keep"] else 1] += 1
                if form == "ids" and row["instead"] == row["item"]:
                    continue  # the same picture in another file: its id is kept
                (keep if row["keep"] else drop).add(row)
    return counts


def _semantic_rows(
    known: Mapping[int, Item], cluster: Cluster, mark: int, place: int, filters: Filters
) -> Iterator[Row]:
    """Yield what becomes of each file of a picture; but one of a kept picture's are dropped."""
    item, kept = known.get(int(cluster.items[place])), bool(cluster.kept[mark, place])
    stand = item if kept else known.get(int(cluster.instead[mark, place]))
    if item is None or stand is None:  # taken out of the library meanwhile
        return
    cosine = 1.0 if kept else float(cluster.cosines[mark, place])
    for copy, path in enumerate(_paths(item, filters)):
        stays = kept and not copy
        yield {
            "item": item.hash,
            "path": path,
            "cluster": cluster.number,
            "keep": stays,
            "instead": None if stays else stand.hash,
            "instead_path": None if stays else next(iter(_paths(stand, filters)), None),
            "cosine": None if stays else cosine,
        }


def _paths(item: Item, filters: Filters) -> tuple[str, ...]:
    """Return the files of an item that are of the data set."""
    paths = item.paths + (item.missing_paths if filters.missing else ())
    return tuple(path for path in paths if filters.folder is None or is_under(path, filters.folder))


def leak(app: Sightline, filters: Filters, given: Mapping[str, Any]) -> int:
    """Print which pictures of a folder are in the library, and write them where asked."""
    folder, library = _folder(given["leak"]), app.library
    limits = Thresholds().with_overrides(given.get("limits", ()))
    kinds = given["kinds"] or [kind for kind in KINDS if kind != "similar"]
    if library.is_empty():
        tell("nothing to compare with: the library is empty: sightline index FOLDER")
        return NOTHING_FOUND
    among = None
    if filters.narrows:
        with library.catalogue.reading() as connection:
            among = select_items(connection, "image", filters)
    reading = OutsidePictures(library, folder, app.limits)
    reading.check()
    found: list[Row] = []
    similar, unchecked = set[str](), set[str]()
    with counting("compared") as count, app.comparing() as pool:
        check = DetailCheck(limits, library.thumbnail, pool, app.limits)
        finder = LeakFinder(library, folder, limits, check, given["crops"], among, filters.folder)
        finder.prepare()
        tested = reading.read(lambda: count.show(reading.done, reading.done))
        for leaked in finder.run(tested):
            if leaked.kind not in kinds:
                similar |= {leaked.test} if leaked.kind == "similar" else set()
            else:
                unchecked |= {leaked.test} if leaked.unchecked else set()
                rows = _leak_rows(leaked)
                found += rows
                with count.aside():
                    _tell_leak(rows, given["as_json"])
    if given["out"] is not None or given["form"] is not None:
        _write_leaks(found, Path(given["out"] or OUT), given["form"] or "paths")
    leaks = {row["path"] for row in found}
    _tell_doubts(len(unchecked), len(similar - leaks))
    _tell_counts(reading, finder, len(leaks))
    return DONE if found else NOTHING_FOUND


def _folder(written: str) -> str:
    folder = expand_home(written).resolve()
    if not folder.is_dir():
        raise PathNotFound(f"--leak {written} is no folder: check the name, or mount its disk")
    return str(folder)


def _leak_rows(leaked: Leak) -> list[Row]:
    return [
        {
            "path": leaked.test,
            "item": leaked.hash,
            "kind": leaked.kind,
            "training_path": path,
            "training_item": leaked.item.hash,
            "evidence": leaked.evidence.as_row() | ({"differs": None} if leaked.unchecked else {}),
        }
        for path in leaked.paths
    ]


def _tell_leak(rows: Sequence[Row], as_json: bool) -> None:
    for row in rows:
        if as_json:
            write_json(
                {
                    "test": row["path"],
                    "path": row["training_path"],
                    "item": row["training_item"],
                    "kind": row["kind"],
                    "evidence": row["evidence"],
                }
            )
        else:
            verb = "may be" if row["evidence"].get("differs", False) is None else "is"
            write_table([(f"{row['kind']:12}", row["path"], verb, row["training_path"])])


def _write_leaks(found: Sequence[Row], out: Path, form: Form) -> None:
    """Write the list of test pictures; its lines name each once."""
    path = list_path(out, "leak", form)
    with writing_list(path, form, _LEAK_COLUMNS) as written:
        before = None
        for row in found:
            if form == "parquet":
                written.add({**row, "evidence": json.dumps(row["evidence"])})
            elif row["path"] != before:
                written.add(row)
            before = row["path"]
    tell(f"wrote {path}")


def _tell_doubts(unchecked: int, similar: int) -> None:
    if unchecked:
        tell(
            f"{plural(unchecked, 'test picture')} compared by thumbnails alone, where words and "
            "small things are not seen: their files could not be laid on the library's"
        )
    if similar:
        tell(
            f"{plural(similar, 'test picture')} not counted: like one of the library, but "
            "something differs; --kind similar lists such"
        )


def _tell_counts(reading: OutsidePictures, finder: LeakFinder, leaked: int) -> None:
    if finder.unseen:
        tell(
            f"{plural(finder.unseen, 'picture')} of the library known by content alone, for want "
            "of a thumbnail: sightline index makes it again"
        )
    if reading.failed:
        tell(f"{plural(reading.failed, 'test picture')} could not be read and were not compared")
    every = reading.read_well
    tell(
        f"{leaked:,} of {every:,} test pictures {'is' if leaked == 1 else 'are'} in the library "
        f"({leaked / max(1, every):.1%})"
    )
