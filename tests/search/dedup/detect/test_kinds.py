"""Limits are set by name, and other limits are known to be others."""

import pytest

from indexer.images.compare.detail import DIFFERS
from search.dedup.detect.kinds import Thresholds
from storage.errors import InvalidArgument


def test_limits_are_set_by_name() -> None:
    limits = Thresholds().with_overrides(["cosine=0.9", "hash-distance=31", " textured =8"])
    assert (limits.cosine, limits.hash_distance, limits.textured) == (0.9, 31, 8)
    assert limits.agreement == Thresholds().agreement
    assert Thresholds().with_overrides([]) == Thresholds()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("cosin=0.9", "the limits are hash_distance=40"),
        ("cosine", "cosine is a number"),
        ("cosine=high", "cosine is a number"),
        ("cosine=nan", "cosine is a number"),
        ("cosine=-1", "0 or more"),
        ("hash_distance=31.5", "hash_distance is a whole number"),
    ],
)
def test_a_limit_that_is_none_is_refused(setting: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        Thresholds().with_overrides([setting])


def test_other_limits_have_another_digest() -> None:
    assert Thresholds().digest() == Thresholds().with_overrides(["cosine=0.95"]).digest()
    assert Thresholds().digest() != Thresholds().with_overrides(["cosine=0.94"]).digest()


def test_a_detail_differs_from_the_same_number_on_everywhere() -> None:
    assert Thresholds().detail == DIFFERS
