"""`sightline dedup --semantic` and `--leak`: duplicates for those who make data sets."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from cli.errors import DONE, NOTHING_FOUND
from cli.output.dedup_rows import leak_rows
from cli.output.empty import why_nothing
from cli.output.json_rows import Row
from cli.output.lists import FORMS, Form, ListFile, list_path, writing_list
from cli.output.progress import counting
from cli.output.render import plural, write_json, write_notice, write_notices, write_table
from search.dedup.detect.kinds import Thresholds
from search.dedup.detect.leakage import Leak
from search.dedup.detect.semdedup import COSINES, check_cosines
from search.dedup.leaks import LeakReport
from search.dedup.request import LOOKED_FOR, LeakRequest
from search.dedup.semantic import SemanticFile
from sightline import Sightline
from storage import Filters
from storage.filters import FILTERS

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
    "path": "string",  # of the test image
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
        help="For data sets: write lists of what to keep and to drop, by meaning (SemDeDup).",
    ),
    click.option(
        "--cosine",
        "cosines",
        type=float,
        multiple=True,
        metavar="C",
        help="With --semantic: the cosine above which images count as the same; may be repeated. "
        f"[default: {', '.join(f'{cosine:g}' for cosine in COSINES)}]",
    ),
    click.option(
        "--leak",
        metavar="TEST_DIR",
        help="For data sets: list the images of this folder that the library holds.",
    ),
    click.option(
        "--list",
        "form",
        type=click.Choice(FORMS),
        help="With --semantic or --leak: the form of the lists in --out. [default: paths]",
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


def semantic(app: Sightline, filters: Filters, given: Mapping[str, Any]) -> int:
    """Write a keep and a drop list for each threshold, and tell the share that is kept."""
    cosines = check_cosines(given["cosines"])
    out = Path(given["out"] or OUT)
    form: Form = given["form"] or "paths"
    places = [[list_path(out, f"{word}-{c:g}", form) for word in ("keep", "drop")] for c in cosines]
    kept, dropped, compared = Counter[float](), Counter[float](), 0
    with ExitStack() as stack, counting("compared") as count:
        clusters = app.duplicates.semantic(cosines, filters)
        first = next(clusters, None)  # before any file is made
        if first is None:
            write_notice(f"no images to compare: {why_nothing(app, filters, 'image')}")
            return NOTHING_FOUND
        lists = [
            [stack.enter_context(writing_list(path, form, _SEMANTIC_COLUMNS)) for path in pair]
            for pair in places
        ]
        for cluster in chain((first,), clusters):
            for cosine, files, (keep, drop) in zip(cosines, cluster.files, lists, strict=True):
                _write_files(files, keep, drop, form)
                kept[cosine] += sum(file.keep for file in files)
                dropped[cosine] += sum(not file.keep for file in files)
            compared += cluster.images
            count.show(compared, compared)
    _tell_lacking(app, filters, compared)
    rows = [
        {
            "cosine": cosine,
            "kept": kept[cosine],
            "dropped": dropped[cosine],
            "share": round(kept[cosine] / max(1, kept[cosine] + dropped[cosine]), 6),
            "keep": str(pair[0]),
            "drop": str(pair[1]),
        }
        for cosine, pair in zip(cosines, places, strict=True)
    ]
    _tell_shares(rows, given["as_json"])
    return DONE


def _write_files(files: Iterable[SemanticFile], keep: ListFile, drop: ListFile, form: Form) -> None:
    for file in files:
        if form == "ids" and file.instead == file.item:
            continue  # the same picture in another file: its id is kept
        (keep if file.keep else drop).add(asdict(file))


def _tell_lacking(app: Sightline, filters: Filters, compared: int) -> None:
    lacking = len(app.select(filters=filters).items) - compared
    if lacking > 0:
        write_notice(
            f"{plural(lacking, 'image')} without a vector, in no list: sightline index makes it"
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


def leak(app: Sightline, filters: Filters, given: Mapping[str, Any]) -> int:
    """Print which images of a folder are in the library, and write them where asked."""
    request = LeakRequest(
        kinds=given["kinds"] or LOOKED_FOR,
        filters=filters,
        crops=given["crops"],
        thresholds=Thresholds().with_overrides(given.get("limits", ())),
    )
    if app.library.is_empty():
        write_notice("nothing to compare with: the library is empty: sightline index FOLDER")
        return NOTHING_FOUND
    if not app.select(filters=filters):
        write_notice(f"nothing to compare with: {why_nothing(app, filters, 'image')}")
        return NOTHING_FOUND
    with counting("compared") as count:

        def write(leaked: Leak) -> None:
            with count.aside():
                _tell_leak(leaked, given["as_json"])

        report = app.duplicates.leaks(
            given["leak"], request, each=write, watch=lambda done: count.show(done, done)
        )
    if given["out"] is not None or given["form"] is not None:
        rows = [row for leaked in report.leaks for row in _list_rows(leaked)]
        _write_leaks(rows, Path(given["out"] or OUT), given["form"] or "paths")
    write_notices(report.notices)
    _tell_counts(report)
    return DONE if report.leaks else NOTHING_FOUND


def _tell_leak(leaked: Leak, as_json: bool) -> None:
    for row in leak_rows(leaked):
        if as_json:
            write_json(row)
        else:
            verb = "may be" if leaked.unchecked else "is"
            write_table([(f"{row['kind']:12}", row["test"], verb, row["path"])])


def _list_rows(leaked: Leak) -> Iterator[Row]:
    """Yield the rows of a list of test images, with the columns of the Parquet form."""
    for row in leak_rows(leaked):
        yield {
            "path": row["test"],
            "item": leaked.hash,
            "kind": row["kind"],
            "training_path": row["path"],
            "training_item": row["item"],
            "evidence": row["evidence"],
        }


def _write_leaks(found: Sequence[Row], out: Path, form: Form) -> None:
    """Write the list of test images; its lines name each once."""
    path = list_path(out, "leak", form)
    with writing_list(path, form, _LEAK_COLUMNS) as written:
        before = None
        for row in found:
            if form == "parquet":
                written.add({**row, "evidence": json.dumps(row["evidence"])})
            elif row["path"] != before:
                written.add(row)
            before = row["path"]
    write_notice(f"wrote {path}")


def _tell_counts(report: LeakReport) -> None:
    write_notice(
        f"{report.leaked:,} of {report.compared:,} test images found in the library "
        f"({report.leaked / max(1, report.compared):.1%})"
    )
