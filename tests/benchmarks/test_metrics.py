"""The measures, on numbers small enough to check by hand."""

import numpy as np

from benchmarks.metrics import area_under_curve, both_ways, ranks, ranks_of_own, recall_at


def test_ranks_count_who_comes_before() -> None:
    scores = np.array([[0.9, 0.1, 0.2], [0.5, 0.4, 0.6], [0.0, 0.1, 0.2]])
    assert ranks(scores).tolist() == [0, 2, 0]


def test_a_tie_counts_against_us() -> None:
    assert ranks(np.array([[0.5, 0.5], [0.1, 0.2]])).tolist() == [1, 0]


def test_recall_is_the_share_among_the_first() -> None:
    places = np.array([0, 2, 0, 7])
    assert [recall_at(places, k) for k in (1, 3, 8)] == [0.5, 0.75, 1.0]


def test_an_image_is_found_when_any_of_its_captions_is_first() -> None:
    # Captions 0 and 1 are the first image's, 2 and 3 the second's.
    # Image 0 over captions: .9 .2 .8 .1 → its best, .9, is first. Place 0.
    # Image 1 over captions: .7 .6 .3 .5 → its best, .5, comes after .7 and .6. Place 2.
    scores = np.array([[0.9, 0.2, 0.8, 0.1], [0.7, 0.6, 0.3, 0.5]])
    own = np.array([[True, True, False, False], [False, False, True, True]])
    assert ranks_of_own(scores, own).tolist() == [0, 2]


def test_own_captions_do_not_stand_in_each_others_way() -> None:
    # The other two of its captions lie above the stranger as well, and count for nothing.
    assert ranks_of_own(
        np.array([[0.9, 0.8, 0.7, 0.6]]), np.array([[False, True, True, True]])
    ).tolist() == [1]


def test_recall_both_ways_with_two_captions_an_image() -> None:
    # The same four captions, by image. Text→image: caption 0 has .9 against .7 and is right,
    # 1 has .2 against .6 and is wrong, 2 has .3 against .8 and is wrong, 3 has .5 against .1
    # and is right: 2 of 4. Image→text: places 0 and 2, so 1 of 2 at one and both at five.
    scores = np.array([[0.9, 0.7], [0.2, 0.6], [0.8, 0.3], [0.1, 0.5]])
    assert both_ways(scores, np.array([0, 0, 1, 1])) == {
        "t2i_r1": 0.5,
        "t2i_r5": 1.0,
        "t2i_r10": 1.0,
        "i2t_r1": 0.5,
        "i2t_r5": 1.0,
        "i2t_r10": 1.0,
    }


def test_the_area_under_the_curve_counts_pairs_in_order() -> None:
    # .9 beats both; .5 beats .2 and ties with .5: (2 + 1 + ½) of 4.
    assert area_under_curve(np.array([0.9, 0.5]), np.array([0.5, 0.2])) == 3.5 / 4
