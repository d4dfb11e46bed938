"""Safety after a fork: what a child process may still do with its parent's resources.

A fork (POSIX.1-2024, `fork`) copies a process's memory and one of its threads. Three things do
not survive it:

- An SQLite connection must not be used, nor even closed, on the other side of a fork (SQLite,
  "How To Corrupt An SQLite Database File", section 2.6). So those that nobody uses are closed
  just before, and both sides open new ones when they need them.
- torch and FAISS compute with OpenMP. GCC's keeps the threads of a team with the thread that asked
  for it, and the copy of that thread waits for ever for a team that was not copied. A thread that
  is started after the fork gets a team of its own, so the work is done in one. That thread stays:
  the team of one that ends goes by itself, a moment later, and takes MKL's locks as it goes. A
  fork in that moment left the child waiting for them (2 to 6 of 100 did).
- What another thread had begun stays as it was, half done and maybe holding a lock. There is no
  way on from that: the child is refused, with the reason.

A child that does not use a library is not touched.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar
from weakref import WeakSet

from storage.errors import ForkedProcess

P = ParamSpec("P")
R = TypeVar("R")


class ForkAware(Protocol):
    """A holder of connections that must not be used across a fork."""

    def release(self) -> None:
        """Close idle connections; called in the parent just before a fork."""

    def reset(self) -> None:
        """Drop the parent's connections; called in the child."""


_holders: "WeakSet[ForkAware]" = WeakSet()
_begun: set[object] = set()  # a token for each piece of work that is under way
_cut_short = False  # this process was forked in the middle of some
# The main thread may be the copy of one that had a team: this process was forked, or something
# computed before this file was loaded, in a process that may have been forked since.
_team_lost = not sys.modules.keys().isdisjoint(("torch", "faiss"))
_thread_with_team: ThreadPoolExecutor | None = None  # computes for such a main thread


def register(holder: ForkAware) -> None:
    """Register a holder of connections, to be called at forks as long as it exists."""
    _holders.add(holder)


@contextmanager
def guard() -> Iterator[None]:
    """Mark the block as work that a child forked meanwhile cannot continue.

    Raises ForkedProcess in a process that was forked during such work.
    """
    if _cut_short:
        raise ForkedProcess(
            "this process was forked while a library was in use in its parent, and cannot use one: "
            "fork before the first search or between two, or start processes by spawn"
        )
    token = object()
    _begun.add(token)
    try:
        yield
    finally:
        _begun.discard(token)


def fork_safe(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that computes with OpenMP's threads also where a fork has lost them.

    Raises ForkedProcess as `guard` does.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with guard():
            if not _team_lost or threading.current_thread() is not threading.main_thread():
                return function(*args, **kwargs)
            return _with_team(function, *args, **kwargs)

    return run


def _with_team(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    global _thread_with_team
    if _thread_with_team is None:
        _thread_with_team = ThreadPoolExecutor(1, "after the fork")
    work = _thread_with_team.submit(function, *args, **kwargs)
    try:
        return work.result()
    finally:
        wait([work])  # Ctrl-C, too, leaves only when nothing is being computed


def _before() -> None:
    for holder in list(_holders):
        holder.release()


def _in_child() -> None:
    global _cut_short, _team_lost, _thread_with_team
    _thread_with_team = None  # it stayed with the parent
    _cut_short = _cut_short or bool(_begun)
    _team_lost = True
    _begun.clear()
    for holder in list(_holders):
        holder.reset()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_before, after_in_child=_in_child)
