"""What a transaction costs, seen through the whole line."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import event

from indexer import Report
from storage import Library


def statements_of(library: Library, work: Callable[[], object]) -> int:
    """Count the statements that a piece of work executes."""
    executed: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        executed.append(statement)

    with library.catalogue.reading() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(executed)


def test_a_new_image_takes_few_statements(
    library: Library, tmp_path: Path, draw: Callable[..., Path], index: Callable[..., Report]
) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    for number in range(60):
        draw((few if number < 10 else many) / f"{number}.png", number)
    counts = [
        statements_of(library, lambda folder=folder: index(folder))  # type: ignore[misc]
        for folder in (few, many)
    ]
    assert (counts[1] - counts[0]) / 40 <= 8
    assert library.status().items == 60
