"""Records as the JSON rows that scripts rely on; the names of the keys are a contract.

They need no terminal: a server can print them too. Every key is always there, null where nothing
is known.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexer import Report
from search import Hit
from search.hits import first_path
from storage import Failure, Item, Root, Status, Tag
from storage.records import SpaceCount

Row = dict[str, Any]  # what `--json` prints on a line
STAGES = ("scan", "hash", "decode", "encode", "write", "wait")  # of an index run


def hit_row(hit: Hit) -> Row:
    """Return one hit; `score` is the first-stage cosine, width and height are upright pixels.

    `match` is the pair scorer's probability, `likelihood` the mean log-likelihood of a scorer
    that is not calibrated, `lift` the cosine less what neutral queries get; `why` lists what
    found it, "meaning", "words" or both.
    """
    item = hit.item
    return {
        "rank": hit.rank,
        "item": item.hash,
        "kind": item.kind,
        "path": first_path(item),
        "paths": list(item.paths),
        "score": round(hit.score, 6),
        "taken_at": item.taken_at,
        "width": item.width,
        "height": item.height,
        "text": item.text,
        "start": item.start,
        "end": item.end,
        "match": _rounded(hit.match),
        "likelihood": _rounded(hit.likelihood),
        "lift": _rounded(hit.lift),
        "caption": hit.caption,
        "why": list(hit.why),
        **_annotation_columns(item),
    }


def caption_row(item: str | None, path: str | None, caption: str, model: str) -> Row:
    """Return what a model says is in an image; `item` is null for one outside the library."""
    return {"item": item, "path": path, "caption": caption, "model": model}


def answer_row(item: str | None, path: str | None, question: str, answer: str, model: str) -> Row:
    """Return what a model answers about an image; `item` is null for one outside the library."""
    return {"item": item, "path": path, "question": question, "answer": answer, "model": model}


def turn_row(items: Sequence[Item], question: str, answer: str, model: str) -> Row:
    """Return one turn of a dialogue about images; `items` and `paths` are in the same order."""
    return {
        "items": [item.hash for item in items],
        "paths": [first_path(item) for item in items],
        "question": question,
        "answer": answer,
        "model": model,
    }


def tag_row(item: str, path: str | None, label: str, score: float, model: str) -> Row:
    """Return a label that an image was given; `score` is its share among the labels, 0 to 1."""
    shown = round(score, 6)
    return {"item": item, "path": path, "label": label, "score": shown, "model": model}


def item_row(item: Item, caption: str | None, tags: Sequence[Tag]) -> Row:
    """Return everything that is known of an item; `caption` is its newest one."""
    capture = item.capture
    latitude, longitude = item.place or (None, None)
    return {
        "item": item.hash,
        "kind": item.kind,
        "format": _format(item),
        "bytes": item.bytes,
        "width": item.width,
        "height": item.height,
        "taken_at": item.taken_at,
        "camera": capture.camera,
        "lens": capture.lens,
        "latitude": latitude,
        "longitude": longitude,
        "text": item.text,
        "start": item.start,
        "end": item.end,
        "paths": list(item.paths),
        "missing_paths": list(item.missing_paths),
        "excluded_paths": list(item.excluded_paths),
        "omitted": item.omitted,
        "caption": caption,
        "tags": [
            {"label": tag.label, "score": round(tag.score, 6), "model": tag.model} for tag in tags
        ],
        **_annotation_columns(item),
    }


def _annotation_columns(item: Item) -> Row:
    """Return what people say of an item; a rating is 0 to 5 stars, or -1 for a rejected image."""
    return {
        "rating": item.rating,
        "keywords": list(item.keywords),
        "description": item.description,
    }


def _format(item: Item) -> str:
    """Return the format of an item, that of a table with the columns by which it was read."""
    columns = item.table_columns
    return f"{item.format}:{json.dumps(columns)}" if columns else item.format


def status_row(status: Status, roots: Sequence[Root]) -> Row:
    """Return the library at a glance; `lacking` items have no vector of that space.

    A space is complete when nothing that can be read lacks one.
    """
    return {
        "path": status.path,
        "items": status.items,
        "files": status.files,
        "missing": status.missing,
        "excluded": status.excluded,
        "failures": status.failures,
        "spaces": [_space_row(counted) for counted in status.spaces],
        "builds": [
            {
                "kind": build.kind,
                "index": build.index_kind,
                "count": build.count,
                "recall": build.recall,
                "file": build.file,
            }
            for build in status.builds
        ],
        "folders": [_folder_row(root) for root in roots if root.walked],
        "bytes": status.bytes,
    }


def space_row(counted: SpaceCount) -> Row:
    """Return whose vectors are in use from here on, or were dropped, and how many."""
    space, vectors = counted.space, counted.vectors
    revision, dimension = space.revision, space.dimension
    return {"name": space.name, "revision": revision, "dimension": dimension, "vectors": vectors}


def failure_row(failure: Failure) -> Row:
    """Return a file that could not be used, where in the line, and why.

    `partial` is true where the rest of it is in the library.
    """
    return {
        "path": failure.path,
        "stage": failure.stage,
        "reason": failure.reason,
        "partial": failure.partial,
    }


def report_row(report: Report) -> Row:
    """Return an index run, counted in files.

    Those from `new` to `failed`, less `missing`, are all `scanned`. `missing` and `excluded` files
    are known and not shown, `not_found` are names of a list, of `partial` ones a part could not be
    read. `reread` and `renewed` count contents that an earlier version of the reader had read.
    `stages` are the busy seconds of each, of all threads and processes together.
    """
    return {
        "scanned": report.scanned,
        "new": report.new,
        "copied": report.copied,
        "moved": report.moved,
        "unchanged": report.unchanged,
        "missing": report.missing,
        "skipped": report.skipped,
        "failed": report.failed,
        "seconds": round(report.seconds, 3),
        "excluded": report.excluded,
        "not_found": report.not_found,
        "notices": list(report.notices),
        "partial": report.partial,
        "reread": report.reread,
        "renewed": report.renewed,
        "stages": {name: round(report.stages.get(name, 0.0), 3) for name in STAGES},
    }


def _space_row(counted: SpaceCount) -> Row:
    space = counted.space
    return {
        "name": space.name,
        "revision": space.revision,
        "dimension": space.dimension,
        "current": counted.current,
        "vectors": counted.vectors,
        "lacking": counted.lacking,
        "complete": counted.complete,
        "precision": space.precision,
    }


def _folder_row(root: Root) -> Row:
    return {"path": root.path, "there": Path(root.path).exists()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
