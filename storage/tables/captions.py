"""Captions: storing models' captions of items, and searching words in them and in annotations."""

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, delete, insert, select, text

from storage import schema
from storage.records import Caption
from storage.tables.items import batches

_MOST_WORDS = 64  # of a query; more could only repeat what these say
# Words that a caption may hold whatever it shows; alone they still count.
_EMPTY = frozenset(
    """
    a about after all also am an and any are as at be been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her
    here hers him his how i if in into is it its just like me more most my no nor not of off on
    once only or other our out over own photo picture image same shall she should show showing so
    some such than that the their them then there these they this those through to too under until
    up very was we were what when where which while who whom why will with would you your
    """.split()
)
_MATCH = text(
    # What people say of an item has the item's number there, less than nought.
    "SELECT items.id FROM caption_words LEFT JOIN captions ON captions.id = caption_words.rowid "
    "JOIN items ON items.id = coalesce(captions.item_id, -caption_words.rowid) "
    "WHERE caption_words MATCH :words AND (items.present OR :hidden AND EXISTS "
    "(SELECT 1 FROM files WHERE files.item_id = items.id AND NOT files.excluded)) "
    "ORDER BY caption_words.rank"
)


def record(connection: Connection, captions: Sequence[Caption]) -> None:
    """Store captions; each replaces the earlier caption of its item by the same model."""
    table = schema.captions
    for caption in captions:
        before = (table.c.item_id == caption.item) & (table.c.model == caption.model)
        connection.execute(delete(table).where(before))
        # A new row, not a changed one: the highest number is the newest caption.
        connection.execute(
            insert(table).values(
                item_id=caption.item,
                model=caption.model,
                revision=caption.revision,
                text=caption.text,
            )
        )


def of_items(
    connection: Connection, items: Sequence[int], model: str | None = None
) -> dict[int, str]:
    """Return the newest caption of each of these items, or that of one model."""
    table = schema.captions
    found: dict[int, str] = {}
    for batch in batches(items):
        query = select(table.c.item_id, table.c.text).where(table.c.item_id.in_(batch))
        if model is not None:
            query = query.where(table.c.model == model)
        rows = connection.execute(query.order_by(table.c.id))
        found.update({int(item): str(words) for item, words in rows})
    return found


def lacking(connection: Connection, model: str, revision: str, chosen: Sequence[int]) -> list[int]:
    """Return the items that this revision of a model has not captioned, in order."""
    table = schema.captions
    there: set[int] = set()
    for batch in batches(chosen):
        rows = select(table.c.item_id).where(
            table.c.item_id.in_(batch), table.c.model == model, table.c.revision == revision
        )
        there.update(connection.scalars(rows))
    return [item for item in chosen if item not in there]


def matching(
    connection: Connection,
    words: str,
    allowed: Collection[int] | None,
    limit: int,
    *,
    hidden: bool = False,
    whole: bool = False,
) -> list[int]:
    """Return the items whose texts contain the words: at most `limit`, the best first.

    Those with all of the words come before those with any, which `whole` leaves out; each are
    ranked by BM25 (Robertson and Zaragoza, 2009). `allowed` are the items that may be found,
    None for all that are present and, where `hidden`, those whose files are missing. Words may
    hold anything: quotes and operators of FTS5 mean nothing here.
    """
    wanted = _quoted(words)
    if not wanted or limit < 1:
        return []
    within = None if allowed is None else frozenset(allowed)
    found: dict[int, None] = {}
    for joint in (" ",) if whole else (" ", " OR "):
        for item in _matches(connection, joint.join(wanted), hidden or within is not None):
            if within is None or item in within:
                found[item] = None
            if len(found) >= limit:
                return list(found)
    return list(found)


def is_content_word(word: str) -> bool:
    """Return whether a word is a content word; stop words may occur in any caption."""
    return word.casefold().strip(".,?!") not in _EMPTY


def _quoted(words: str) -> list[str]:
    """Return the words quoted for FTS5, so that none is parsed as an operator."""
    whole = words.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").casefold()
    each = list(dict.fromkeys(whole.split()))
    content_words = [word for word in each if is_content_word(word)] or each
    return [f'"{word.replace(chr(34), chr(34) * 2)}"' for word in content_words[:_MOST_WORDS]]


def _matches(connection: Connection, words: str, hidden: bool) -> Iterator[int]:
    with connection.execute(_MATCH, {"words": words, "hidden": hidden}) as rows:
        yield from rows.scalars()


def any_at_all(connection: Connection) -> bool:
    """Return whether a model or a person says something of an image in the library."""
    tables = (schema.captions.c.id, schema.annotations.c.item_id)
    return any(connection.execute(select(key).limit(1)).first() is not None for key in tables)
