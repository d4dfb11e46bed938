"""The agreement of a quantised network's vectors with the exact ones of the same images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from storage.records import Matrix

NEAREST = 10  # neighbours of each image that are compared


@dataclass(frozen=True, slots=True)
class Agreement:
    """The cosines of images held back from the calibration, and how many neighbours they kept."""

    mean: float
    least: float
    nearest: float  # of 10, on average over the images held back

    def __str__(self) -> str:
        """Return the agreement in words."""
        return (
            f"cosine {self.mean:.3f} on average, {self.least:.3f} at least; "
            f"{self.nearest:.1f} of {NEAREST} nearest as before"
        )

    @classmethod
    def measure(cls, exact: Matrix, ours: Matrix, held: npt.NDArray[np.intp]) -> "Agreement":
        """Compare the vectors of all sampled images, both (n, dim), by the rows held back.

        n is more than 10: the neighbours of an image are the others of the sample.
        """
        cosines = np.einsum("nd,nd->n", exact[held], ours[held])
        pairs = zip(_nearest(exact, held), _nearest(ours, held), strict=True)
        kept = [len(np.intersect1d(one, other)) for one, other in pairs]
        return cls(float(cosines.mean()), float(cosines.min()), float(np.mean(kept)))


def _nearest(vectors: Matrix, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the nearest other rows of each: (rows, 10)."""
    cosines = vectors[rows] @ vectors.T
    cosines[np.arange(len(rows)), rows] = -np.inf
    nearest: npt.NDArray[np.intp] = np.argpartition(-cosines, NEAREST, axis=1)[:, :NEAREST]
    return nearest
