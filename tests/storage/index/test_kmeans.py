"""Clusters by cosine: every row lies by its centroid, and they come out the same again."""

import numpy as np

from storage.index.kmeans import centroids
from storage.records import Matrix


def _three_directions() -> Matrix:
    rng = np.random.default_rng(0)
    rows = np.repeat(np.eye(8, dtype=np.float32)[:3], 40, axis=0)
    rows += rng.normal(0, 0.05, rows.shape).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_every_row_lies_by_a_centroid() -> None:
    rows = _three_directions()
    found = centroids(rows, 12)
    assert set(found.argmax(axis=1).tolist()) == {0, 1, 2}
    assert (rows @ found.T).max(axis=1).min() > 0.95
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(found, centroids(rows, 12))


def test_one_cluster_is_the_mean_direction() -> None:
    rows = _three_directions()
    [only] = centroids(rows, 1)
    np.testing.assert_allclose(only, rows.mean(axis=0) / np.linalg.norm(rows.mean(axis=0)), 1e-5)
    assert centroids(np.zeros((0, 8), np.float32), 1).shape == (1, 1)
