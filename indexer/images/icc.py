"""ICC profiles made from numbers, for files that name their colours without a profile.

The layout is that of ISO 15076-1 (ICC.1:2022) section 7, version 2, a matrix and one curve. The
code points are those of ITU-T H.273, which HEIF, AVIF (`nclx`) and PNG (`cICP`) share.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float]  # CIE 1931 x, y

D65: Point = (0.3127, 0.3290)
_C: Point = (0.310, 0.316)
_D50 = np.array([0.9642, 1.0, 0.8249])  # XYZ of the profile connection space
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_SAMPLES = 4096  # of a curve
_GRAPHICS_WHITE = 203.0  # cd/m², ITU-R BT.2408: what a white sheet has in an HDR image
_PEAK = 1000.0  # cd/m² that an HDR image is taken to be mastered for
_KNEE = 0.6  # of white's light: what is darker is shown as it is


@dataclass(frozen=True, slots=True)
class Primaries:
    """The colours of full red, green and blue, and of white, as CIE 1931 x, y."""

    red: Point
    green: Point
    blue: Point
    white: Point = D65


SRGB = Primaries((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_PRIMARIES = {  # ITU-T H.273 table 2
    1: SRGB,
    2: SRGB,  # unspecified
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: Primaries((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
# ITU-T H.273 table 3. What cameras write by a television curve (1, 6, 14, 15 and their kin) is
# meant to be seen on a screen like any other: browsers take them all for sRGB, and so does this.
_AS_SRGB = frozenset((1, 2, 6, 7, 11, 12, 13, 14, 15))
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_PQ, _HLG = 16, 18


def is_coded(primaries: int, transfer: int) -> bool:
    """Return whether two code points of H.273 are known here."""
    known = _AS_SRGB | set(_GAMMAS) | {_PQ, _HLG}
    return primaries in _PRIMARIES and transfer in known


@lru_cache(maxsize=64)
def coded_profile(primaries: int, transfer: int, grey: bool) -> bytes | None:
    """Return the profile of two code points of H.273; None where they mean sRGB or are unknown.

    PQ and HLG, made for screens brighter than white, are brought into range: what is lighter
    than most things by Reinhard's extended curve (Reinhard et al., SIGGRAPH 2002), by channel.
    """
    if not is_coded(primaries, transfer):
        return None
    known, curve = _PRIMARIES[primaries], _curve(transfer)
    if known == SRGB and transfer in _AS_SRGB:
        return None
    return grey_profile(curve) if grey else matrix_profile(known, curve)


def gamma_curve(gamma: float) -> Floats:
    """Return linear light for evenly spaced values of a pure power curve: (4096,) of 0 to 1."""
    return np.linspace(0, 1, _SAMPLES) ** gamma


def srgb_curve() -> Floats:
    """Return linear light for evenly spaced values of sRGB (IEC 61966-2-1): (4096,)."""
    values = np.linspace(0, 1, _SAMPLES)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _curve(transfer: int) -> Floats:
    if transfer in _AS_SRGB:
        return srgb_curve()
    if transfer in _GAMMAS:
        return gamma_curve(_GAMMAS[transfer])
    return _toned((_pq() if transfer == _PQ else _hlg()) / _GRAPHICS_WHITE)


def _pq() -> Floats:
    """Return cd/m² for evenly spaced values of SMPTE ST 2084."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = np.linspace(0, 1, _SAMPLES) ** (1 / m2)
    light: Floats = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return light


def _hlg() -> Floats:
    """Return cd/m² for evenly spaced values of ARIB STD-B67 on a screen of 1,000 cd/m²."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    values = np.linspace(0, 1, _SAMPLES)
    scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    light: Floats = _PEAK * scene**1.2
    return light


def _toned(light: Floats) -> Floats:
    """Return light, 1 being white, within 0 to 1: dark tones stay, the peak becomes 1."""
    above = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    most = (_PEAK / _GRAPHICS_WHITE - _KNEE) / (1 - _KNEE)
    above = np.minimum(above, most)
    return np.minimum(light, _KNEE) + (1 - _KNEE) * above * (1 + above / most**2) / (1 + above)


def grey_profile(curve: Floats) -> bytes:
    """Return an ICC profile of grey by a curve of linear light, (n,) of 0 to 1."""
    return _profile(b"GRAY", [(b"wtpt", _xyz(_D50)), (b"kTRC", _table(curve))])


def matrix_profile(primaries: Primaries, curve: Floats) -> bytes | None:
    """Return an ICC profile of three primaries and one curve; None where they span no colours."""
    colorants = _colorants(primaries)
    if colorants is None:
        return None
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = [(b"wtpt", _xyz(_D50))]
    tags += [(name, _xyz(column)) for name, column in zip(names, colorants.T, strict=True)]
    tags += [(name, _table(curve)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(b"RGB ", tags)


def _table(curve: Floats) -> bytes:
    values = np.rint(np.clip(curve, 0, 1) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + values.tobytes()


def _colorants(primaries: Primaries) -> Floats | None:
    """Return XYZ of red, green and blue as columns, (3, 3), their sum being D50."""
    corners = np.array(
        [_from_xy(point) for point in (primaries.red, primaries.green, primaries.blue)]
    ).T
    white = _from_xy(primaries.white)
    if not (np.isfinite(corners).all() and np.isfinite(white).all()):
        return None
    if abs(np.linalg.det(corners)) < 1e-3:  # all on one line
        return None
    scaled = corners * np.linalg.solve(corners, white)
    cones = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted: Floats = np.linalg.inv(_BRADFORD) @ (cones[:, None] * (_BRADFORD @ scaled))
    return adapted if (np.abs(adapted) < 4).all() else None


def _from_xy(point: Point) -> Floats:
    x, y = point
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array([x, y, 1 - x - y]) / np.float64(y)


def _xyz(values: Floats) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _profile(space: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    """Return a profile of a display with these tags; equal ones are stored once."""
    start = 128 + 4 + 12 * len(tags)
    table, body, places = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    for name, content in tags:
        if content not in places:
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", places[content], len(content))
    head = struct.pack(">I4sI", start + len(body), b"", 0x02400000) + b"mntr" + space + b"XYZ "
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body
