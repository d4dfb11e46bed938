"""BLEU and CIDEr-D on captions of a few words, against sums done by hand.

The splitting of words was held against the Java tokenizer once, on the 2,900 captions of the two
photo sets, and both measures against pycocoevalcap on the same words; these tests keep them there.
"""

import pytest

from benchmarks.captioning import bleu, cider, words


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("A man's dog doesn't wait.", "a man 's dog does n't wait"),
        ("Two dogs, one ball; a red-white T-shirt!", "two dogs one ball a red-white t-shirt"),
        ("We cannot see the U.S. flag", "we can not see the u.s. flag"),
        ('He says "hello" at 10:30 for $5.00', "he says hello at 10:30 for $ 5.00"),
        ("a kite (red)", "a kite -lrb- red -rrb-"),
        ("", ""),
    ],
)
def test_words_are_split_as_the_evaluation_splits_them(text: str, split: str) -> None:
    assert words(text) == split.split()


def test_bleu_counts_a_word_no_more_often_than_one_reference_has_it() -> None:
    # "the" stands twice in the reference: 2 of 4 words right, no pair of words right.
    # 4 words against 6: e^(1 − 6/4) = 0.60653.
    (one, two, *_) = bleu(
        ["the the the the".split()], [["the cat is on the mat".split(), "the cat sat".split()]]
    )
    # The nearest length is 3 (one away), not 6 (two away): nothing is taken off for shortness.
    assert one == pytest.approx(2 / 4)
    assert two == pytest.approx(0, abs=1e-6)


def test_bleu_takes_off_for_a_caption_that_is_too_short() -> None:
    # Every gram is right; 4 words against 5: e^(1 − 5/4) = 0.778801.
    scores = bleu(["a red kite flies".split()], [["a red kite flies high".split()]])
    assert scores == pytest.approx((0.778801,) * 4, abs=1e-6)


def test_bleu_adds_up_over_the_set() -> None:
    # Words: 2 of 2 and 1 of 2, so 3/4. Pairs: 1 of 1 and 0 of 1, so 1/2: √(3/4 × 1/2) = 0.612372.
    said = ["red kite".split(), "red boat".split()]
    written = [["red kite".split()], ["blue boat".split()]]
    one, two, *_ = bleu(said, written)
    assert (one, two) == pytest.approx((0.75, 0.612372), abs=1e-6)


def test_cider_weighs_grams_by_how_few_images_have_them() -> None:
    # Two images, so a gram of one of them weighs ln 2 and a gram of both nothing.
    # First: "red boat" against "red kite": of two words one is shared, ½ in cosine; the pair of
    # words is not; no threes or fours: 10 × (½ + 0 + 0 + 0) / 4 = 1.25.
    # Second: "blue boat" is just the reference: 10 × (1 + 1 + 0 + 0) / 4 = 5.
    said = ["red boat".split(), "blue boat".split()]
    assert cider(said, [["red kite".split()], ["blue boat".split()]]) == pytest.approx([1.25, 5.0])


def test_cider_forgets_what_every_image_shows() -> None:
    # "a" is in both images and weighs ln 2 − ln 2 = 0: only "kite" is left of the words, and of
    # the pairs "a kite": 10 × (1 + 1) / 4 = 5 for the first.
    said = ["a kite".split(), "a".split()]
    assert cider(said, [["a kite".split()], ["a boat".split()]]) == pytest.approx([5.0, 0.0])


def test_cider_takes_off_for_another_length_and_averages_over_references() -> None:
    # Against "red kite over sea": words 2 / (√2 × √4) = 0.707107, pairs 1 / (1 × √3) = 0.577350,
    # two words apart: e^(−4/72) = 0.945959. 10 × 1.284457 / 4 × 0.945959 = 3.03760.
    # Against "blue boat": nothing. The mean of the two: 1.51880.
    said = ["red kite".split(), "other".split()]
    written = [["red kite over sea".split(), "blue boat".split()], ["other".split()]]
    assert cider(said, written)[0] == pytest.approx(1.51880, abs=1e-5)


def test_saying_a_word_twice_gains_nothing() -> None:
    # "kite kite" weighs 2 ln 2 for kite, clipped at ln 2: 1 / 2 in cosine, and a length apart:
    # e^(−1/72) = 0.986207; the pair is not in the reference. 10 × ½ / 4 × 0.986207 = 1.232759.
    said = ["kite kite".split(), "boat".split()]
    assert cider(said, [["kite".split()], ["boat".split()]])[0] == pytest.approx(1.232759)


def test_a_caption_of_nothing_scores_nothing() -> None:
    assert cider([[], ["boat"]], [[["kite"]], [["boat"]]])[0] == 0
    assert bleu([[]], [[["kite"]]])[0] == pytest.approx(0, abs=1e-6)
