"""Runs: the processes that wrote to the library, with time and outcome."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from storage import schema


def begin(connection: Connection, command: str) -> int:
    """Open a run; an earlier run still open was interrupted."""
    table = schema.runs
    connection.execute(
        update(table).where(table.c.outcome.is_(None)).values(outcome="died", finished_at=_now())
    )
    made = insert(table).values(command=command, pid=os.getpid(), started_at=_now())
    return int(connection.execute(made.returning(table.c.id)).scalar_one())


def end(connection: Connection, run_id: int, outcome: str, counts: Mapping[str, object]) -> None:
    """Close a run: `outcome` is done, interrupted or failed."""
    table = schema.runs
    connection.execute(
        update(table)
        .where(table.c.id == run_id)
        .values(outcome=outcome, finished_at=_now(), counts=dict(counts))
    )


def holder(connection: Connection) -> str:
    """Return the open run in words: " by process 4711 (index, since 12:03 UTC)"."""
    table = schema.runs
    row = connection.execute(
        select(table).where(table.c.outcome.is_(None)).order_by(table.c.id.desc())
    ).first()
    if row is None:
        return " by another process"
    return f" by process {row.pid} ({row.command}, since {row.started_at[11:16]} UTC)"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
