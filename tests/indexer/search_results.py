"""What a run's report and a search say, in the shortest form a test can compare."""

from indexer import Report
from indexer.models.networks.fake import FakeEncoder
from search import Engine, Query, Term
from storage import Library


def counts(report: Report) -> dict[str, int]:
    """The counts above 0; that they add up is checked on the way."""
    names = ("new", "copied", "moved", "unchanged", "missing", "skipped", "failed")
    found = {name: getattr(report, name) for name in names}
    assert report.scanned == sum(found.values()) - report.missing
    return {name: number for name, number in found.items() if number}


def paths(library: Library) -> set[str]:
    """Every path that a search would show."""
    hits = Engine(library, FakeEncoder).search(Query((Term("text", "anything"),), k=1000))
    return {path for hit in hits for path in hit.item.paths}
