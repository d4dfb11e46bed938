"""Inference that is safe with other threads and with forks."""

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from storage.errors import ForkedProcess
from storage.fork import fork_safe

Model = TypeVar("Model")
P = ParamSpec("P")
R = TypeVar("R")
_locks: "WeakKeyDictionary[object, threading.RLock]" = WeakKeyDictionary()


def inference(
    method: Callable[Concatenate[Model, P], R],
) -> Callable[Concatenate[Model, P], R]:
    """Return a model's method that is run by one thread at a time and survives a fork.

    The tokenizers of the `tokenizers` library refuse a second thread while their padding is set,
    and a model counts down its batch as memory runs out. Raises ForkedProcess in a child that
    was forked in the middle of a call, or whose parent had the accelerator in use.
    """

    @wraps(method)
    def run(model: Model, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with _locks.setdefault(model, threading.RLock()):
            try:
                return method(model, *args, **kwargs)
            except RuntimeError as error:
                if accelerator_is_lost():
                    raise accelerator_of_the_parent() from error
                raise

    return fork_safe(run)


def accelerator_is_lost() -> bool:
    """Return whether this process was forked from one that computed with CUDA, which it cannot."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda._is_in_bad_fork())


def accelerator_of_the_parent() -> ForkedProcess:
    """Return the error for a model on an accelerator that a fork took away."""
    return ForkedProcess(
        "the accelerator was in use before this process was forked, and cannot be used here: "
        "open the library with device='cpu', or start processes by spawn"
    )
