"""The cut-offs: which hits reach the match or the lift that a query asks for."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from search.hits import Hit
from storage.errors import InvalidArgument
from storage.records import Matrix

# Number of nearest neutral texts that an item is compared with. Chowdhury et al. take a few dozen
# of many thousands; a bank of 128 has fewer that are near to any one item.
NEAREST = 16


def lifts(
    scores: npt.ArrayLike, rows: Matrix, bank: Matrix, nearest: int = NEAREST
) -> npt.NDArray[np.float32]:
    """Return each score minus the mean of the item's `nearest` largest cosines with the bank.

    `scores` (n,), `rows` (n, dim) the items' unit vectors, `bank` (texts, dim) → (n,) float32.
    For an item that is near to every text this subtracts what any query would score, so one
    cut-off means the same for all: querybank normalisation (Bogolin et al., CVPR 2022) in the
    additive form of nearest-neighbour normalisation (Chowdhury et al., EMNLP 2024).
    """
    near = np.partition(rows @ bank.T, -min(nearest, len(bank)), axis=1)
    usual = near[:, -min(nearest, len(bank)) :].mean(axis=1)  # (n,)
    corrected: npt.NDArray[np.float32] = (np.asarray(scores) - usual).astype(np.float32)
    return corrected


def matching(hits: Sequence[Hit], least: float) -> list[Hit]:
    """Return the hits with a match probability of at least `least`; unscored hits are dropped."""
    return [hit for hit in hits if hit.match is not None and hit.match >= least]


def lifted(hits: Sequence[Hit], least: float) -> list[Hit]:
    """Return the hits whose lift is at least `least`."""
    return [hit for hit in hits if hit.lift is not None and hit.lift >= least]


def unread_notice(hits: Sequence[Hit]) -> str | None:
    """Return a notice about the images that were not reranked, or None if all were."""
    count = sum(hit.item.kind == "image" and hit.match is None for hit in hits)
    if not count:
        return None
    left = "1 hit was" if count == 1 else f"{count:,} hits were"
    return (
        f"{left} not read a second time and left out: only what was read can match, and a greater "
        "depth of reranking reads more"
    )


def no_images_notice(hits: Sequence[Hit], least: float | None) -> str | None:
    """Return a notice that all hits are texts, which are not reranked; None without hits.

    Raises InvalidArgument if a cut-off `least` by match is wanted.
    """
    if not hits:
        return None
    if least is not None:
        raise InvalidArgument(
            "{min_match} passes images alone and only texts were found: look for {kind} image, "
            "or leave {min_match} out",
            parameter="min_match",
            value=least,
            others=("kind",),
        )
    return "only images are read a second time, and no hit is one: nothing was reranked"
