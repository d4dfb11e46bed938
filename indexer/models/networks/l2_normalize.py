"""Unit rows: what a tower returns, brought to length one, or refused."""

import numpy as np

from storage.errors import EncodeFailure
from storage.records import Matrix


def l2_normalize(features: Matrix, model: str) -> Matrix:
    """Bring each row to length one: (n, dim) float32 → (n, dim) float32.

    Raises EncodeFailure naming the model for a row that is not finite or has no length.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)  # (n, 1) float32
    if not np.isfinite(lengths).all() or (lengths <= np.finfo(np.float32).tiny).any():
        raise EncodeFailure(
            f"the model {model} returned a vector that is not a finite direction; "
            f"if it does so for many files its weights are damaged: fetch them again"
        )
    rows: Matrix = features / lengths
    return rows
