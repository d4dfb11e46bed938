"""The one place where errors become a line on stderr and an exit code."""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shlex import join, quote
from typing import TYPE_CHECKING

import click

from cli.output.render import write_notice
from cli.output.streams import OutputLost

if TYPE_CHECKING:  # at run time it would slow down what raises nothing
    from storage.errors import Hint, SightlineError, Step

DONE = 0
NOTHING_FOUND = 1
USAGE = 2
STOPPED = 3
INTERRUPTED = 130
_KEPT = "what was done is kept"
_LONGEST_COMMAND = 300  # characters; a shell may have put a thousand names into it
# The next step of an error as a command; "…" is what it is done to.
_STEPS: Mapping["Step", str] = {
    "check installation": "`sightline doctor`",
    "index": "`sightline index`",
    "index by model": "`sightline index --model …`",
    "index folder": "`sightline index …`",
    "index in precision": "`sightline index --precision …`",
    "install package": "`pip install …`",
    "list decisions": "`sightline dedup decide --list`, then `--forget`",
    "list models": "`sightline models`",
    "list models of role": "`sightline models --role …`",
    "list tags": "`sightline models 'open_clip:*'`",
    "pull": "`sightline models pull …`",
    "show status": "`sightline status`",
    "undo": "`sightline dedup undo …`",
    "use": "`sightline use NAME`",
}


class Interrupted(KeyboardInterrupt):
    """A Ctrl-C in the middle of work; the message says what of it is kept."""


@contextmanager
def on_interrupt(said: Callable[[], str]) -> Iterator[None]:
    """Add what is kept, in the words that `said` finds then, to what breaks the block off.

    That is a Ctrl-C, or results that nobody takes: work that is not done is no success then.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(said()) from None
    except OutputLost as lost:
        raise OutputLost(lost.error, said()) from None


def run_guarded(run: Callable[[], object], words: Sequence[str] = ()) -> int:
    """Run a command and return its exit code; whatever it raises is told in one line.

    `words` are those that were typed, to be named where the same command goes on.
    """
    try:
        result = run()
        sys.stdout.flush()
    except click.ClickException as error:
        return _tell_click(error)
    except (click.Abort, KeyboardInterrupt) as error:
        # click turns a Ctrl-C into an Abort and keeps the first as its cause.
        told = error if isinstance(error, Interrupted) else error.__cause__
        kept = str(told) if isinstance(told, Interrupted) else _KEPT
        write_notice(f"interrupted; {kept}: {_again(words)} to go on")
        return INTERRUPTED
    except OutputLost as lost:
        if lost.reader_left and not lost.kept:
            return DONE
        write_notice(str(lost))
        return STOPPED
    except SystemExit:
        # click's own answer to a broken pipe that is no standard stream: see `cli.output.streams`.
        write_notice("a connection broke off: run the command again")
        return STOPPED
    except Exception as error:
        return _tell_error(error)
    return result if isinstance(result, int) else DONE


def _again(words: Sequence[str]) -> str:
    """Return how the command is run again, without the words where they are not all of it."""
    typed = join(("sightline", *words))
    if not words or "-" in words or len(typed) > _LONGEST_COMMAND:
        return "run the same command again"
    return f"run `{typed}` again"


def _tell_click(error: click.ClickException) -> int:
    message = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    elif context is not None:
        write_notice(f"{message.strip().rstrip('.')} (see '{context.command_path} --help')")
    else:
        write_notice(message)
    return USAGE


def _tell_error(error: Exception) -> int:
    from storage.errors import InvalidArgument, SightlineError

    if isinstance(error, SightlineError):
        write_notice(spelled(error))
        return USAGE if isinstance(error, InvalidArgument) else STOPPED
    if isinstance(error, OSError) and error.filename is not None:
        write_notice(f"{os.fspath(error.filename)}: {error.strerror}")
        return STOPPED
    written = _write_details(error)
    where = f"the details are in {written}" if written else "the details could not be written"
    write_notice(f"stopped by something unforeseen, {type(error).__name__}: {error}; {where}")
    return STOPPED


def spelled(error: "SightlineError") -> str:
    """Return an error's message by the names of options, with the next step as a command."""
    from cli.options import option_named

    return with_step(error.spelled(option_named), error.hint)


def with_step(message: str, hint: "Hint | None") -> str:
    """Add the command that is the next step to a message."""
    if hint is None:
        return message
    of = quote(hint.of) if hint.of else "FOLDER"
    return f"{message} ({_STEPS[hint.step].replace('…', of)})"


def _write_details(error: Exception) -> Path | None:
    import platformdirs

    details = "".join(traceback.format_exception(error))
    name = f"sightline-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    for folder in (platformdirs.user_log_path("sightline"), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.write_text(details, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return path
    return None
