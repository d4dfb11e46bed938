"""Rescoring: hits of an index with short codes are ranked by the stored vectors."""

import numpy as np
from sqlalchemy import Connection

from storage.index.kinds import AnnIndex
from storage.records import Matrix
from storage.tables import vectors


def search(
    connection: Connection,
    index: AnnIndex,
    queries: Matrix,
    k: int,
    included: vectors.Ids | None,
    excluded: vectors.Ids,
) -> tuple[vectors.Ids, Matrix]:
    """Return the k best rows of each query: ids (q, k), −1 if there are fewer; cosines.

    The cosines are those of the stored vectors, whatever codes the index has.
    """
    ids, scores = index.search(queries, k * index.oversample, included, excluded)
    if index.oversample == 1:
        return ids, scores
    scores = _cosines(connection, queries, ids)
    ids = np.where(np.isfinite(scores), ids, -1)
    order = np.lexsort((ids, -scores), axis=1)[:, :k]
    return np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)


def _cosines(connection: Connection, queries: Matrix, ids: vectors.Ids) -> Matrix:
    """Return the cosines of each query with its own rows: (q, n) float32, −∞ for deleted rows."""
    scores = np.full(ids.shape, -np.inf, np.float32)
    for row, (query, wanted) in enumerate(zip(queries, ids, strict=True)):
        place = {int(number): column for column, number in enumerate(wanted) if number >= 0}
        for found, matrix in vectors.fetch(connection, wanted[wanted >= 0]):
            scores[row, [place[int(number)] for number in found]] = matrix @ query
    return scores
