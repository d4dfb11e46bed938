"""The state of the whole process that loading a model's libraries changes."""

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

# Set by open_clip.tokenizer as it is imported, and by torch._inductor.
_VARIABLES = ("TOKENIZERS_PARALLELISM", "TORCHINDUCTOR_CACHE_DIR")
# Libraries that set filters of warnings as they are imported, by a class of their own or a message.
_FILTERING = ("sympy", "scipy")
_FILTERED = ("the matrix subclass is not the recommended way",)
_LOADING = threading.RLock()  # two loads at once would put back each other's


@contextmanager
def process_state_kept() -> Iterator[None]:
    """Put back what loading changes: the environment, torch's random numbers, filters.

    Networks are built with random weights on the CPU, so that the state of no accelerator moves.
    Only what loading is known to change is touched: other threads may change the rest meanwhile.
    """
    with _LOADING:
        lacking = [name for name in _VARIABLES if name not in os.environ]
        set_ones = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        torch: Any = sys.modules.get("torch")
        random = torch.get_rng_state() if hasattr(torch, "get_rng_state") else None
        filters = list(warnings.filters)
        try:
            yield
        finally:
            os.environ.update(set_ones)
            for name in lacking:
                os.environ.pop(name, None)
            if random is not None:
                torch.set_rng_state(random)
            _drop_filters(filters)


def _drop_filters(before: list[Any]) -> None:
    """Remove the filters that are new and known to be those of a library of the networks."""
    for one in list(warnings.filters):
        library = one[2].__module__.partition(".")[0]
        message = getattr(one[1], "pattern", one[1])
        if one not in before and (library in _FILTERING or message in _FILTERED):
            cast(list[Any], warnings.filters).remove(one)
