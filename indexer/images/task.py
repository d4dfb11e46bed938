"""The protocol of tasks for worker processes."""

from typing import Protocol, TypeVar

from indexer.images.limits import Limits

T_co = TypeVar("T_co", covariant=True)


class Task(Protocol[T_co]):
    """Work on files that a process apart does; it and its result travel by pickle."""

    @property
    def limits(self) -> Limits:
        """Return the limits of the task."""

    @property
    def seconds(self) -> float:
        """Return the seconds that the task may take."""

    def run(self) -> T_co:
        """Run the task; raises a FileFailure with the reason if it fails."""
