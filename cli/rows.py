"""Records as the JSON rows that scripts rely on; the names of the keys are a contract.

Every key is always there, null where nothing is known.
"""

from typing import Any

from indexer import Report
from search import Hit
from storage import Failure, Item, Space, Status

Row = dict[str, Any]


def hit_row(hit: Hit) -> Row:
    """Tell one hit; `score` is the first-stage cosine, width and height are upright pixels."""
    item = hit.item
    return {
        "rank": hit.rank,
        "item": item.hash,
        "kind": item.kind,
        "path": first_path(item),
        "paths": list(item.paths),
        "score": round(hit.score, 6),
        "taken_at": item.capture.taken_at,
        "width": item.width,
        "height": item.height,
        "text": item.text,
        "start": item.start,
        "end": item.end,
    }


def item_row(item: Item) -> Row:
    """Tell everything that is known of an item."""
    capture = item.capture
    return {
        "item": item.hash,
        "kind": item.kind,
        "format": item.format,
        "bytes": item.bytes,
        "width": item.width,
        "height": item.height,
        "taken_at": capture.taken_at,
        "camera": capture.camera,
        "lens": capture.lens,
        "latitude": capture.latitude,
        "longitude": capture.longitude,
        "text": item.text,
        "start": item.start,
        "end": item.end,
        "paths": list(item.paths),
        "missing_paths": list(item.missing_paths),
    }


def status_row(status: Status) -> Row:
    """Tell the library at a glance."""
    return {
        "items": status.items,
        "files": status.files,
        "missing": status.missing,
        "failures": status.failures,
        "spaces": [_space_row(space) for space in status.spaces],
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
        "bytes": status.bytes,
    }


def failure_row(failure: Failure) -> Row:
    """Tell which file could not be used, where in the line, and why."""
    return {"path": failure.path, "stage": failure.stage, "reason": failure.reason}


def report_row(report: Report) -> Row:
    """Tell an index run in files; all but `missing` add up to `scanned`."""
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
    }


def first_path(item: Item) -> str | None:
    """Choose the path to name an item by: one that is there, else one that was."""
    return next(iter(item.paths or item.missing_paths), None)


def _space_row(space: Space) -> Row:
    return {"name": space.name, "revision": space.revision, "dimension": space.dimension}
