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
_LOADING = threading.RLock()  # two loads at once would put back each other's


@contextmanager
def process_state_kept() -> Iterator[None]:
    """Put back what loading changes: the environment, torch's random numbers, SymPy's filter.

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
            _drop_filters_of("sympy", filters)


def _drop_filters_of(library: str, before: list[Any]) -> None:
    for one in list(warnings.filters):
        if one not in before and one[2].__module__.partition(".")[0] == library:
            cast(list[Any], warnings.filters).remove(one)
