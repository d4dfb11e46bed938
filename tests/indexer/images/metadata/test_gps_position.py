"""Positions as Exif 3.0 (CIPA DC-008-2023, section 4.6.8) has them, and as they are found."""

from typing import Any

import pytest
from PIL.TiffImagePlugin import IFDRational

from indexer.images.metadata.gps_position import position

NOTHING = IFDRational(0, 0)
ENDLESS = IFDRational(1, 0)
LISBON = (38.72, 9.14)


def degrees(*parts: tuple[int, int]) -> tuple[IFDRational, ...]:
    return tuple(IFDRational(*part) for part in parts)


LATITUDE, LONGITUDE = degrees((38, 1), (43, 1), (12, 1)), degrees((9, 1), (8, 1), (24, 1))


@pytest.mark.parametrize(
    ("north", "east"),
    [
        (LATITUDE, LONGITUDE),
        ((*degrees((38, 1), (432, 10)), NOTHING), (*degrees((9, 1), (84, 10)), NOTHING)),
        ((*degrees((3872, 100)), NOTHING, NOTHING), (*degrees((914, 100)), NOTHING, NOTHING)),
        ((*degrees((3872, 100)), ENDLESS, NOTHING), (*degrees((914, 100)), NOTHING, ENDLESS)),
        (degrees((38, 1), (432, 10)), degrees((9, 1), (84, 10))),
        (IFDRational(3872, 100), IFDRational(914, 100)),
        (degrees((3872, 100), (0, 1), (0, 1)), degrees((914, 100), (0, 1), (0, 1))),
        ((38, 43, 12), (9, 8, 24)),
        ((38.72,), (9.14,)),
        (b"38.72", b"9.14\0"),
        (b"38,43,12", b"9,8.4"),  # as XMP has them
        (b"38/1,43/1,12/1", b"9/1, 8/1, 24/1"),  # as Android's ExifInterface has them
        (b"38 deg 43' 12.00\"", b"9 deg 8' 24.00\""),  # as ExifTool prints them
        ("38/1 43/1 12/1", "9/1 84/10 0/0"),
        (b"38,72", b"9,14"),  # decimal commas
        (b"+38,720000 ", "9,14°"),
        ("38° 43,2'", "9°8'24,0\""),
        (b"38 deg 43,20'", b"9 deg 8' 24,00\""),
        (b"38,43.2", b"9, 8, 24"),
    ],
)
def test_parts_of_any_number_and_type_are_added_up(north: Any, east: Any) -> None:
    assert position(north, b"N\0", east, b"E\0") == pytest.approx(LISBON, abs=1e-6)


@pytest.mark.parametrize(
    ("north_or_south", "east_or_west", "signs"),
    [
        (b"N\0", b"E\0", (1, 1)),
        (b"S\0", b"W\0", (-1, -1)),
        (b"s", b"w", (-1, -1)),
        (b"South", b"West", (-1, -1)),
        (None, None, (1, 1)),
        (b"\0\0", b" ", (1, 1)),
        (None, b"W", (1, -1)),
        (83, 87, (-1, -1)),  # the characters' numbers
        (78, 69, (1, 1)),
        ((83, 0), (119,), (-1, -1)),
        (0, (0, 0), (1, 1)),
        ((), 32, (1, 1)),
    ],
)
def test_a_letter_gives_the_sign_and_none_is_north_and_east(
    north_or_south: Any, east_or_west: Any, signs: tuple[int, int]
) -> None:
    found = position(LATITUDE, north_or_south, LONGITUDE, east_or_west)
    assert found == pytest.approx((signs[0] * LISBON[0], signs[1] * LISBON[1]), abs=1e-6)


@pytest.mark.parametrize("letters", [(b"N", b"E"), (b"S", b"W"), (None, None)])
@pytest.mark.parametrize(
    ("north", "east"),
    [
        (degrees((-38, 1), (43, 1), (12, 1)), degrees((-9, 1), (8, 1), (24, 1))),
        (degrees((-38, 1), (-43, 1), (-12, 1)), degrees((-9, 1), (-8, 1), (-24, 1))),
        (-38.72, -9.14),
        (b"-38.72", b"\xe2\x88\x929,8.4"),
    ],
)
def test_a_sign_counts_whatever_the_letter(north: Any, east: Any, letters: Any) -> None:
    found = position(north, letters[0], east, letters[1])
    assert found == pytest.approx((-LISBON[0], -LISBON[1]), abs=1e-6)


def test_a_letter_may_stand_in_the_text() -> None:
    found = position(b"38,43.2S", None, b"W 9 deg 8' 24\"", None)
    assert found == pytest.approx((-LISBON[0], -LISBON[1]), abs=1e-6)


def test_less_than_a_degree_south_or_west_keeps_its_sign() -> None:
    found = position(b"-0 30 0", None, degrees((0, 1), (-30, 1), (0, 1)), None)
    assert found == (-0.5, -0.5)


@pytest.mark.parametrize("zero", [(0.0, 0.0, 0.0), 0.0, (0.0, NOTHING, NOTHING), b"0,0,0"])
@pytest.mark.parametrize("letter", [None, b"S"])
def test_no_fix_is_no_place_and_the_equator_is_one(zero: Any, letter: Any) -> None:
    assert position(zero, letter, zero, None) == (None, None)
    assert position(zero, letter, LONGITUDE, b"E") == pytest.approx((0.0, LISBON[1]), abs=1e-6)


@pytest.mark.parametrize(
    ("north", "letter"),
    [
        (None, b"N"),
        ((), b"N"),
        (NOTHING, b"N"),
        ((NOTHING, NOTHING, NOTHING), b"N"),
        ((ENDLESS, 0.0, 0.0), b"N"),
        (degrees((90, 1), (0, 1), (1, 1)), b"N"),
        (95.0, b"N"),
        (degrees((-91, 1)), None),
        (LATITUDE, b"E"),
        (LATITUDE, b"?"),
        (LATITUDE, 87),
        (LATITUDE, 1),
        (LATITUDE, 1078),
        (LATITUDE, -83),
        (LATITUDE, IFDRational(83, 1)),
        (LATITUDE, ("S",)),
        (b"north of here", None),
        (((38, 1), (43, 1)), b"N"),
    ],
)
def test_a_place_that_makes_no_sense_is_no_place(north: Any, letter: Any) -> None:
    assert position(north, letter, LONGITUDE, b"E") == (None, None)
    assert position(LATITUDE, b"N", None, b"E") == (None, None)


def test_a_decimal_comma_keeps_sign_and_letter() -> None:
    assert position(b"-38,72", b"N", b"9,14W", None) == (-LISBON[0], -LISBON[1])
    assert position(b"S 38,72", None, b"-9,14", b"E") == (-LISBON[0], -LISBON[1])


def test_a_longitude_ends_at_180_degrees() -> None:
    assert position(LATITUDE, b"N", 180.0, b"W") == pytest.approx((LISBON[0], -180.0), abs=1e-6)
    assert position(LATITUDE, b"N", 180.1, b"W") == (None, None)
