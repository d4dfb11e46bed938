"""The precision that a network is compiled in, and how far it may lead from fp32."""

from typing import Literal

Precision = Literal["fp32", "bf16", "int8"]
# What may be asked for: the exact precision that fits the processor, or int8.
WantedPrecision = Literal["auto", "int8"]
MOST_CALIBRATION_IMAGES = 300  # of a sample, those held back for the measurement among them
LEAST_CALIBRATION_IMAGES = 32
HELD_BACK = 5  # one image of so many

# Below this a network is so quick that nothing is gained, and its scores stay those of fp32.
SMALLEST_BF16 = 20_000_000  # parameters
# The least cosine, over the images and texts of the check, between what an export and the library's
# own class return. Measured: fp32 1.000000, bf16 0.99994 (ViT-B/32 of random weights).
LEAST_COSINE: dict[Precision, float] = {"fp32": 0.9999, "bf16": 0.998, "int8": 0.95}
# The most that a probability of an export may differ from the class's, and a likelihood.
MOST_SCORE_ERROR = 0.01
MOST_NATS = 0.1  # a token


def choose(parameters: int, has_bf16: bool) -> Precision:
    """Return the precision of a network of so many parameters on this processor."""
    return "bf16" if has_bf16 and parameters >= SMALLEST_BF16 else "fp32"


def why(parameters: int, has_bf16: bool) -> str:
    """Return the reason of that choice."""
    if parameters < SMALLEST_BF16:
        return "so small a network is as quick in fp32"
    return "the processor multiplies bf16" if has_bf16 else "the processor does not multiply bf16"
