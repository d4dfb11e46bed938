"""Random unit vectors, and items of a library that have them."""

import numpy as np

from storage import Library, Space
from storage.records import Matrix
from storage.tables import items, spaces, vectors


def unit_vectors(count: int, dimension: int, seed: int = 1) -> Matrix:
    """Draw (count, dimension) float32, each row of length one."""
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def add_images(library: Library, matrix: Matrix) -> None:
    """Add an image for each row, with the row as its vector in one space."""
    with library.catalogue.writing() as connection:
        space = spaces.register(connection, Space("m", "1", matrix.shape[1], "{}"))
        contents = [items.Content(f"{n:064x}", "image", 1, "PNG") for n in range(len(matrix))]
        numbers = [items.add(connection, content)[0] for content in contents]
        vectors.add(connection, space.id or 0, "image", numbers, matrix)
