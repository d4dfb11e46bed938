"""A look at a dual encoder that was just loaded: does it tell things apart at all.

Files that do not belong together load without an error and give all texts, or all images, one
vector: a tokenizer whose end mark is another one than the network looks for, or whose words it
does not know. Others read what fills a short text up beside a longer one as words of it, so that
its vector depends on its neighbours.
"""

import numpy as np

from indexer.models.protocols import DualEncoder, Pixels
from storage.errors import BrokenModel, EncodeFailure
from storage.records import Matrix

_TEXTS = ("a red circle", "a blue square")  # of one length: words that are unknown look alike
_SAME = 1e-4  # apart from each other, as unit vectors; what rounding does to one is a hundredth
_LONGER = "a big green triangle above a small black square and two blue circles on white ground"
_NEAR = 1e-2  # what the precision of a device may move a unit vector; another token moves it far
_STEP = "its files are of several models, or damaged: take all from one"


def check_encoder(encoder: DualEncoder, where: str) -> None:
    """Raise BrokenModel, naming `where`, for an encoder to which two inputs are one, or one two.

    A few short texts and two images are encoded.
    """
    try:
        alone = encoder.encode_texts(_TEXTS[:1])
        texts = encoder.encode_texts((*_TEXTS, _LONGER))
        images = encoder.encode_images(_images(encoder.image_spec.size))
    except EncodeFailure as failure:
        raise BrokenModel(f"the model {where} does not work: {failure.reason}") from None
    for rows, kind in ((texts, "text"), (images, "image")):
        if not _is_apart(rows):
            raise BrokenModel(f"the model {where} gives every {kind} the same vector: {_STEP}")
    if np.linalg.norm(alone[0] - texts[0]) > _NEAR:
        raise BrokenModel(
            f"the model {where} gives a short text another vector beside a longer one: it reads "
            f"the padding, whose token is another one than it was trained with; {_STEP}"
        )


def _is_apart(rows: Matrix) -> bool:
    return bool(np.isfinite(rows).all() and np.linalg.norm(rows[0] - rows[1]) > _SAME)


def _images(side: int) -> Pixels:
    """Draw an image that grows lighter to the right, and one that does so downwards."""
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    across = np.broadcast_to(ramp[None, :, None], (side, side, 3))
    down = np.broadcast_to(ramp[:, None, None], (side, side, 3))
    return np.stack([across, down])
