"""Contents that are stored already: which files need no second reading, or little of one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, exists, select

from storage import schema
from storage.records import ContentKind
from storage.tables.items import batches, has_vector, has_vectors_of_passages

_SAME_SIZE = 1000


@dataclass(slots=True)
class Stored:
    """Stored contents of one kind and size, by hash: read by today's rules, or by which others."""

    current: set[str] = field(default_factory=set)
    outdated: dict[str, int] = field(default_factory=dict)


def stored_by_size(
    connection: Connection,
    sizes: Iterable[int],
    space_id: int,
    reader_version: int,
    metadata_version: int = 0,
) -> Mapping[tuple[ContentKind, int], Stored]:
    """Return which contents need no second reading, or little of one, by kind and size in bytes.

    An image counts once its vector of the space is stored; a document once a file of it is
    recorded, which ingest does after its last passage, and every passage has its vector. Where
    very many contents are of one size none are told: a file of that size is read, and found to
    be known afterwards. Documents that were read by an earlier version than `reader_version` are
    left out: they are read anew. An image is outdated also where its metadata is of an earlier
    version than `metadata_version`.
    """
    items, found = schema.items, dict[tuple[ContentKind, int], Stored]()
    columns = items.c.bytes, items.c.hash, items.c.reader_version, items.c.metadata_version
    for kind, proof in _proofs(space_id).items():
        for batch in batches(sizes):
            there = items.c.bytes.in_(batch), items.c.kind == kind, proof
            for size, name, read, described in connection.execute(select(*columns).where(*there)):
                stored = found.setdefault((kind, int(size)), Stored())
                is_image = kind == "image"
                if read >= reader_version and (not is_image or described >= metadata_version):
                    stored.current.add(str(name))
                elif is_image:
                    stored.outdated[str(name)] = int(read)
    few = {key for key, one in found.items() if len(one.current) + len(one.outdated) <= _SAME_SIZE}
    return {key: stored for key, stored in found.items() if key in few}


def _proofs(space_id: int) -> dict[ContentKind, ColumnElement[bool]]:
    """Return the condition by which a content of each kind is stored whole."""
    has_file = exists().where(schema.files.c.item_id == schema.items.c.id)
    return {
        "image": has_vector(space_id),
        "document": has_file & has_vectors_of_passages(space_id),
    }
