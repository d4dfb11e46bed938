"""Dates as Exif 3.0 (CIPA DC-008-2023, section 4.6.5) has them, and as they are found."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.images.metadata.exif_date import is_unset, taken_at


def read(written: str | None) -> str | None:
    return taken_at(written, None, None)


@given(st.datetimes(datetime(1826, 1, 1), datetime(9998, 12, 31)))
def test_a_whole_date_is_read_whole(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    assert read(moment.strftime("%Y:%m:%d %H:%M:%S")) == moment.isoformat()


@given(st.text(alphabet="0123456789:/-. TZ+apmAPM年月日下午", max_size=24))
def test_what_is_read_of_any_text_begins_an_iso_date(written: str) -> None:
    found = read(written)
    if found is not None:
        whole = found[:19] + "0000-01-01T00:00:00"[len(found[:19]) :]
        assert datetime.fromisoformat(whole[:19]).year >= 1826


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        # Blanks for what is not known, as the specification says, and for zeros.
        ("2015:07:04   :  :  ", "2015-07-04"),
        ("2015:07:     :  :  ", "2015-07"),
        ("2015:  :     :  :  ", "2015"),
        ("2015:07:04 12:30:  ", "2015-07-04T12:30"),
        ("2015:07:04 12:  :  ", "2015-07-04"),
        ("2015: 7: 4  9: 5: 3", "2015-07-04T09:05:03"),
        ("2015:7:4 1:2:3", "2015-07-04T01:02:03"),
        # Zeros for what is not known.
        ("2015:07:00 00:00:00", "2015-07"),
        ("2015:00:00 00:00:00", "2015"),
        # Days, months and times that there are none of.
        ("2015:02:29 12:00:00", "2015-02"),
        ("2016:02:29 12:00:00", "2016-02-29T12:00:00"),
        ("2015:04:31 12:00:00", "2015-04"),
        ("2015:13:41 12:30:00", "2015"),
        ("2015:07:04 25:00:00", "2015-07-04"),
        ("2015:07:04 12:60:00", "2015-07-04"),
        ("2015:07:04 12:30:61", "2015-07-04T12:30"),
        ("2015:07:04 12:30:99", "2015-07-04T12:30"),
    ],
)
def test_what_is_certain_is_kept(written: str, iso: str) -> None:
    assert read(written) == iso


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        # Java's SimpleDateFormat: "k" is the hour in a day, 1 to 24.
        ("2015:08:22 24:08:19", "2015-08-22T00:08:19"),
        ("2015:12:31 24:00:00", "2015-12-31T00:00:00"),
        ("2016:12:31 23:59:60", "2016-12-31T23:59:59"),  # ISO 8601: a leap second
        ("2015:07:04 06:30:12 PM", "2015-07-04T18:30:12"),
        ("2015:07:04 12:30:12 AM", "2015-07-04T00:30:12"),
        ("2015:07:04 12:30:12 pm", "2015-07-04T12:30:12"),
        ("2015:07:04 6:30:12p.m.", "2015-07-04T18:30:12"),
        ("2015:07:04 PM 06:30:12", "2015-07-04T18:30:12"),
        ("2015:07:04 下午 6:30:12", "2015-07-04T18:30:12"),
        ("2015:07:04 오전 12:30:12", "2015-07-04T00:30:12"),
        ("2015:07:04 18:30:12 PM", "2015-07-04T18:30:12"),
    ],
)
def test_every_hour_of_the_day_is_understood(written: str, iso: str) -> None:
    assert read(written) == iso


@pytest.mark.parametrize(
    "written",
    [
        "2015/07/04 12:30:05",
        "2015-07-04T12:30:05",
        "2015.07.04 12.30.05",
        "2015:07:04-12:30:05",
        "20150704 123005",
        "20150704T123005",
        "20150704123005",
        "2015年7月4日 12時30分05秒",
        "2015년 7월 4일 12시 30분 5초",
        "٢٠١٥:٠٧:٠٤ ١٢:٣٠:٠٥",
        "２０１５：０７：０４　１２：３０：０５",
        "2015_07_04 12_30_05",
        '"2015:07:04 12:30:05"',
        "“2015:07:04 12:30:05”",
        "'2015-07-04' '12:30:05'",
        "+2015:07:04 12:30:05",
        "D:20150704123005",  # ISO 32000-1, section 7.9.4
        "Sat Jul  4 12:30:05 2015",  # ISO/IEC 9899, section 7.27.3.1, asctime
        "Sat Jul 04 12:30:05 CEST 2015",
        "Sat, 4 Jul 2015 12:30:05",  # RFC 5322, section 3.3
        "4 July 2015 12:30:05",
        "04-JUL-2015 12:30:05",
        "July 4th, 2015 at 12:30:05 PM",
        "Saturday, July 4, 2015 12:30:05 PM",
        "2015-Jul-04 12:30:05",
    ],
)
def test_other_separators_and_digits_are_read(written: str) -> None:
    assert read(written) == "2015-07-04T12:30:05"


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("25.12.2015 12:30:10", "2015-12-25T12:30:10"),
        ("12/25/2015 1:30:10 PM", "2015-12-25T13:30:10"),
        ("04/07/2015 12:30:10", "2015"),  # of April or of July
        ("05/05/2015", "2015-05-05"),
    ],
)
def test_with_the_year_last_the_month_is_read_where_it_is_certain(written: str, iso: str) -> None:
    assert read(written) == iso


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "soon",
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "0001:01:01 00:00:00",
        "9999:99:99 99:99:99",
        "1920x1080",
        "1436013000",
        "201507",  # July 2015, or the 7th of a 15th month
        "15:07:04 12:30:05",
        "20 15:07:04",
        "2O15:O7:O4",
        "平成27年7月4日",
        "07/04/15 2015",
    ],
)
def test_what_is_no_date_is_none(written: str | None) -> None:
    assert read(written) is None


@pytest.mark.parametrize(
    ("fraction", "ending"),
    [("25", ".250"), ("123456", ".123"), ("00", ".000"), ("", ""), ("½", ""), ("-5", "")],
)
def test_parts_of_a_second_go_with_seconds(fraction: str, ending: str) -> None:
    assert taken_at("2015:07:04 12:30:05", fraction, None) == f"2015-07-04T12:30:05{ending}"
    assert taken_at("2015:07:04 12:30", fraction, None) == "2015-07-04T12:30"
    assert taken_at("2015:07:04", fraction, None) == "2015-07-04"


@pytest.mark.parametrize(
    ("offset", "ending"),
    [
        ("+02:00", "+02:00"),
        ("-09:30", "-09:30"),
        ("+0200", "+02:00"),
        ("+2:00", "+02:00"),
        ("+09", "+09:00"),
        ("Z", "+00:00"),
        ("UTC", "+00:00"),
        ("+14:00", "+14:00"),
        ("+15:00", ""),
        ("+02:75", ""),
        ("   :  ", ""),
        ("?", ""),
    ],
)
def test_the_offset_goes_with_a_time_of_day(offset: str, ending: str) -> None:
    assert taken_at("2015:07:04 12:30:05", None, offset) == f"2015-07-04T12:30:05{ending}"
    assert taken_at("2015:07:04", None, offset) == "2015-07-04"


def test_fraction_and_offset_may_stand_in_the_date_itself_and_tags_of_their_own_go_before() -> None:
    assert read("2015-07-04T12:30:05.25+02:00") == "2015-07-04T12:30:05.250+02:00"
    assert read("2015-07-04T12:30:05Z") == "2015-07-04T12:30:05+00:00"
    assert read("2015-07-04 12:30-05:00") == "2015-07-04T12:30-05:00"
    own = taken_at("2015-07-04T12:30:05.25+02:00", "75", "+01:00")
    assert own == "2015-07-04T12:30:05.750+01:00"


@pytest.mark.parametrize(
    ("written", "year"),
    [("Sommer 2015", "2015"), ("4. Juli 2015", "2015"), ("x2014 in 2015 and 2015", "2015")],
)
def test_of_a_text_that_is_not_understood_its_only_year_is_kept(written: str, year: str) -> None:
    assert read(written) == year
    assert read(f"{written} or 1999") is None


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "soon",
        "ÿÿÿÿ",
        "    :  :     :  :  ",
        "----:--:-- --:--:--",
        "0000:00:00 00:00:00",
        "0000-00-00T00:00:00Z",
        "٠٠٠٠:٠٠:٠٠",
        "0001-01-01T00:00:00",
        "1601:01:01 00:00:00",
        "9999:12:31 23:59:59",
    ],
)
def test_what_holds_no_number_or_a_clock_never_set_is_unset(written: str | None) -> None:
    assert is_unset(written)
    assert read(written) is None


@pytest.mark.parametrize(
    "written", ["15:07:04", "1436013000", "0000:07:04", "二〇一五年", "1404:04:13"]
)
def test_a_date_that_cannot_be_read_is_set(written: str) -> None:
    assert not is_unset(written)
    assert read(written) is None
