"""The look of results: lines for people, JSON for programs, bytes for pipes.

Results go to stdout, everything else to stderr.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

import click

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def printable(written: str) -> str:
    """Make a text safe for one line of a terminal: no controls, no bytes that are not UTF-8."""
    return _UNSAFE.sub("�", written)


def write_notice(message: str) -> None:
    """Write one line for the person to stderr."""
    click.echo(f"sightline: {printable(' '.join(message.split()))}", err=True)


def write_notices(notices: Iterable[str]) -> None:
    """Write the notices of an answer to stderr, a line each."""
    for notice in notices:
        write_notice(notice)


def write_json(row: Mapping[str, object]) -> None:
    """Print one object on one line; names that are not UTF-8 come back whole from its escapes."""
    click.echo(json.dumps(row, allow_nan=False))


def write_path(path: str) -> None:
    """Print the very bytes of a path, so that a pipe leads back to the file."""
    sys.stdout.flush()
    click.echo(os.fsencode(path) + b"\n", nl=False)


def write_table(rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> None:
    """Print columns as wide as their widest cell; the last one runs on and is never cut."""
    cells = [[printable(cell) for cell in row] for row in ([heads] if heads else []) + [*rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    for number, row in enumerate(cells):
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        line = "  ".join([*padded, row[-1]]).rstrip()
        click.echo(click.style(line, dim=True) if heads and number == 0 else line)


def write_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values, leaving out what is not known."""
    write_table([(name, str(value)) for name, value in facts if value not in (None, "")])


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: `1 file`, `2,000 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """Write a number of bytes the way people say it."""
    amount = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
