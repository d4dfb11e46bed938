"""Profiles made of numbers, compared with published ones and with the curves' definitions."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from indexer.images import icc
from tests.indexer.images.encoded import ADOBE, P3, PROPHOTO, profile

# Colorants in XYZ, adapted to D50 by Bradford's matrix, as the profiles' publishers give them.
PUBLISHED = {
    "Adobe RGB (1998)": (
        ADOBE,
        [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]],
    ),
    "Display P3": (
        P3,
        [[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]],
    ),
    "ROMM RGB": (
        PROPHOTO,
        [[0.79767, 0.28804, 0.0], [0.13519, 0.71188, 0.0], [0.03134, 0.00009, 0.82491]],
    ),
    "sRGB": (
        icc.SRGB,
        [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]],
    ),
}


def opened(content: bytes) -> Any:
    return ImageCms.ImageCmsProfile(BytesIO(content)).profile


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_colorants_are_the_published_ones(name: str) -> None:
    primaries, expected = PUBLISHED[name]
    made = opened(profile(primaries))
    found = [made.red_colorant, made.green_colorant, made.blue_colorant]
    assert np.abs(np.array([each[0] for each in found if each]) - expected).max() < 6e-4


def test_a_profile_is_one_of_a_display_and_has_its_curve() -> None:
    made = opened(profile(P3))
    assert (made.device_class, made.xcolor_space.strip()) == ("mntr", "RGB")
    grey = opened(icc.grey_profile(icc.gamma_curve(1.0)))
    assert grey.xcolor_space == "GRAY"


@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (2, 2), (1, 1), (1, 6), (2, 13)])
def test_codes_of_srgb_need_no_profile(primaries: int, transfer: int) -> None:
    assert icc.coded_profile(primaries, transfer, False) is None


@pytest.mark.parametrize(("primaries", "transfer"), [(3, 13), (255, 13), (12, 0), (12, 9), (0, 0)])
def test_reserved_codes_are_ignored(primaries: int, transfer: int) -> None:
    assert icc.coded_profile(primaries, transfer, False) is None


@pytest.mark.parametrize(("transfer", "gamma"), [(4, 2.2), (5, 2.8), (8, 1.0), (17, 2.6)])
def test_a_power_curve_is_that_power(transfer: int, gamma: float) -> None:
    assert icc.coded_profile(1, transfer, False) == profile(icc.SRGB, gamma)


def luminance(transfer: int) -> NDArray[np.float64]:
    """Read the curve of a made profile back: (4096,) of 0 to 1."""
    made = icc.coded_profile(9, transfer, True)
    assert made is not None
    at = made.find(b"curv\0\0\0\0")
    return np.frombuffer(made, ">u2", 4096, at + 12) / 65535


def test_pq_shows_middle_grey_as_it_is_and_its_peak_as_white() -> None:
    curve = luminance(16)
    # SMPTE ST 2084: 0.5081 is 100 cd/m², 0.7518 is 1,000; a white sheet has 203 (BT.2408).
    assert curve[round(0.5081 * 4095)] == pytest.approx(100 / 203, abs=0.003)
    assert curve[round(0.7518 * 4095)] == pytest.approx(1, abs=0.003)
    assert (np.diff(curve) >= 0).all()


def test_hlg_shows_middle_grey_as_it_is_and_its_peak_as_white() -> None:
    curve = luminance(18)
    # ARIB STD-B67 on 1,000 cd/m²: half the signal is a twelfth of the scene's light.
    assert curve[2048] == pytest.approx(1000 * (1 / 12) ** 1.2 / 203, abs=0.003)
    assert curve[-1] == pytest.approx(1)


@pytest.mark.parametrize(
    "primaries",
    [
        icc.Primaries((0.3, 0.3), (0.3, 0.3), (0.3, 0.3)),
        icc.Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.0, 0.0)),
        icc.Primaries((0.64, 0.0), (0.30, 0.60), (0.15, 0.06)),
        icc.Primaries((0.2, 0.2), (0.3, 0.3), (0.4, 0.4)),
    ],
)
def test_primaries_that_span_no_colours_make_no_profile(primaries: icc.Primaries) -> None:
    assert icc.matrix_profile(primaries, icc.srgb_curve()) is None
