"""Rates of indexing, on numbers made by hand."""

import pytest

from benchmarks.ingest_rates import print_rates, rates
from benchmarks.process_tree import Usage

ROW: dict[str, object] = {
    "photos": 120,
    "decode_seconds": 2.0,  # 60 a second
    "encode_seconds": 4.0,  # 30 a second
    "sightline_seconds": 6.25,
    "rclip_seconds": 20.0,
    **Usage(8.0, 12.0, 0.5, 0, 0, 0).row("sightline"),
    **Usage(0.5, 0.4, 0.1, 0, 0, 0).row("sightline_again"),
    **Usage(24.0, 40.0, 2.0, 0, 0, 0).row("rclip"),
    **Usage(4.0, 3.0, 1.0, 0, 0, 0).row("rclip_again"),
}


def test_two_stages_on_the_same_cores_take_the_time_of_both() -> None:
    found = rates(ROW)
    assert found["bound"] == pytest.approx(120 / (2.0 + 4.0))
    assert found["ours/bound"] == pytest.approx(6.0 / 6.25)


def test_the_ratio_to_a_peer_is_that_of_the_rates_with_and_without_start_up() -> None:
    found = rates(ROW)
    assert found["ours/rclip"] == pytest.approx(20.0 / 6.25)
    assert found["ours/rclip, with start-up"] == pytest.approx(24.0 / 8.0)


def test_what_is_printed_is_the_median_beside_what_is_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    slow, fast = ROW | {"sightline_seconds": 40.0}, ROW | {"sightline_seconds": 5.0}
    print_rates("large", [slow, ROW, fast], 4.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "large, 120 photos, median of 3:"
    told = {line[2:28].strip(): line[28:].strip() for line in lines[1:]}
    assert told["ours/rclip"] == "3.20 (at least 4.0)"
    assert told["ours/bound"] == "0.96 (at least 0.9)"
    assert told["rclip, processor"] == "42.00 s"
    assert told["sightline, nothing new"] == "0.50 s"
