"""The reason why nothing was found, in words, and what would help."""

from cli.options import written
from search.query import SearchKind
from sightline import Sightline
from storage import Filters


def why_nothing(app: Sightline, filters: Filters, kind: SearchKind | None = None) -> str:
    """Return why nothing was found, as a person reads it."""
    these = {"image": "images", "text": "texts"}.get(kind or "", "items")
    match app.empty_reason(filters, kind):
        case "library is empty":
            return "the library is empty: sightline index FOLDER"
        case "none of the kind":
            return f"the library holds no {these}"
        case "filters":
            return f"nothing passes {written(filters)}: try a wider filter"
        case "query alone":
            return f"the library holds no {these} beside what was asked with"
        case "excluded":
            return (
                f"the files of all {these} are gone or excluded: mount their disk, add --missing, "
                "or run sightline index without the exclude pattern"
            )
        case "missing":
            return f"the files of all {these} are gone: mount their disk, or add --missing"
