"""What a worker process can be asked to do."""

from typing import Protocol, TypeVar

from indexer.images.limits import Limits

T_co = TypeVar("T_co", covariant=True)


class Task(Protocol[T_co]):
    """Work on files that a process apart does; it and its result travel by pickle."""

    @property
    def limits(self) -> Limits:
        """What it may cost."""

    @property
    def seconds(self) -> float:
        """The time that it may take."""

    def run(self) -> T_co:
        """Do it; raises a FileFailure that says why it cannot be done."""
