"""Spherical k-means: clusters of unit vectors by cosine, the same on every run."""

import numpy as np

from storage.fork import fork_safe
from storage.records import Matrix

_ROUNDS = 20
_SEED = 1


@fork_safe
def centroids(sample: Matrix, count: int) -> Matrix:
    """Cluster unit rows (s, dim) into `count` unit centroids (count, dim).

    `count` is at most s. FAISS is loaded for more than one.
    """
    if count == 1 or not len(sample):
        middle = sample.mean(axis=0, keepdims=True) if len(sample) else np.zeros((1, 1), np.float32)
        return np.asarray(middle / max(float(np.linalg.norm(middle)), 1e-9), np.float32)
    from faiss import Kmeans  # starts threads of its own, so imported only for clustering

    means = Kmeans(
        sample.shape[1],
        count,
        niter=_ROUNDS,
        seed=_SEED,
        spherical=True,
        min_points_per_centroid=1,  # FAISS prints a warning for each smaller library
    )
    means.train(np.ascontiguousarray(sample))
    return np.asarray(means.centroids, np.float32)
