"""Halves of the day as the Unicode CLDR writes them (dayPeriods of the Gregorian calendar)."""

import pytest

from indexer.images.metadata.day_period import hour_of_day
from indexer.images.metadata.exif_date import taken_at

PAIRS = [
    ("AM", "PM"),
    ("a. m.", "p.\u202fm."),  # Spanish
    ("ＡＭ", "ｐ．ｍ．"),
    ("a", "P"),
    ("ص", "م"),  # Arabic
    ("ق.ظ.", "ب.ظ."),  # Persian
    ("قبل\u200cازظهر", "بعدازظهر"),
    ("לפנה״צ", "אחה״צ"),  # Hebrew
    ("π.μ.", "μ.μ."),  # Greek
    ("пр.об.", "сл.об."),  # Bulgarian
    ("претпл.", "попл."),  # Macedonian
    ("дп", "пп"),  # Ukrainian
    ("de.", "du."),  # Hungarian
    ("dop.", "odp."),  # Czech
    ("dop.", "pop."),  # Slovenian
    ("vorm.", "nachm."),  # German
    ("fm", "em"),  # Swedish
    ("ap.", "ip."),  # Finnish
    ("ÖÖ", "ÖS"),  # Turkish
    ("SA", "CH"),  # Vietnamese
    ("PG", "PTG"),  # Malay
    ("PD", "MD"),  # Albanian
    ("पूर्वाह्न", "अपराह्न"),  # Hindi
    ("முற்பகல்", "பிற்பகல்"),  # Tamil
    ("ก่อนเที่ยง", "หลังเที่ยง"),  # Thai
    ("上午", "下午"),
    ("早上", "傍晚"),
    ("午前", "午後"),
    ("오전", "오후"),
]


@pytest.mark.parametrize(("morning", "afternoon"), PAIRS)
def test_an_hour_of_twelve_is_in_the_half_of_the_day_that_is_named(
    morning: str, afternoon: str
) -> None:
    for written in ("2015:07:04 {hour}:30:05 {half}", "2015:07:04 {half} {hour}:30:05"):
        for hour, word, found in (
            ("08", morning, "08"),
            ("12", morning, "00"),
            ("8", afternoon, "20"),
            ("12", afternoon, "12"),
            ("20", afternoon, "20"),
        ):
            text = written.format(hour=hour, half=word)
            assert taken_at(text, None, None) == f"2015-07-04T{found}:30:05", text


@pytest.mark.parametrize(
    ("word", "hours"),
    [
        ("凌晨", {12: 0, 1: 1, 5: 5}),
        ("中午", {11: 11, 12: 12, 1: 13, 2: 14}),
        ("晚上", {8: 20, 11: 23, 12: None}),  # at midnight which day it is is not certain
        ("soir", {8: None, 12: None, 0: None, 13: 13, 20: 20}),
        ("", {0: 0, 8: 8, 12: 12, 23: 23}),
    ],
)
def test_words_for_other_parts_of_the_day_and_unknown_ones(
    word: str, hours: dict[int, int | None]
) -> None:
    assert {hour: hour_of_day(hour, f" {word}") for hour in hours} == hours


@pytest.mark.parametrize(
    ("around", "hour"),
    [
        ("T ", 8),
        (" Z", 8),
        (" UTC", 8),
        ("  CEST", 8),
        ("  PM CEST", 20),
        (" [Europe/Paris]", 8),
        (" Europe/Paris", 8),
        (" +0200 (Central European Summer Time)", 8),
        (" Uhr", 8),
        (" at  PM +02:00", 20),
        ("Sat ", 8),
        ("Saturday  p.m.", 20),
        ("T下午 ", 20),
    ],
)
def test_zones_and_days_are_no_halves_of_a_day(around: str, hour: int) -> None:
    assert hour_of_day(8, around) == hour


def test_with_a_word_that_is_not_known_the_day_is_kept() -> None:
    assert taken_at("2015:07:04 08:30:05 soir", None, "+02:00") == "2015-07-04"
    assert taken_at("2015:07:04 18:30:05 soir", None, None) == "2015-07-04T18:30:05"


@pytest.mark.parametrize("around", ["PTG", "PTG MYT", "PTG (UTC+8)"])
def test_a_zone_beside_the_half_of_a_day_changes_nothing(around: str) -> None:
    assert hour_of_day(3, around) == 15
