"""BLEU and CIDEr-D of captions against what several people wrote, in plain Python.

The definitions are those of the COCO caption evaluation, and the figures equal pycocoevalcap's on
the same words, to the last digit. Its splitting of words needs Java; ours agrees with it on all
but a few of a thousand captions (`test_captioning.py` says what is checked).
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

Words = Sequence[str]
Grams = Counter[tuple[str, ...]]
LONGEST = 4  # words in a gram, for BLEU-4 and CIDEr alike
SIGMA = 6.0  # of CIDEr-D's penalty for another length, in words
SCALE = 10.0  # CIDEr counts from 0 to 10; papers print a hundred times the 0–1 mean of it
_ENDINGS = re.compile(
    r"(?<=\w)(n't|'s|'re|'ve|'ll|'d|'m)\b"
    r"|(?<=\bcan)(not)\b|(?<=\bgon|\bwan)(na)\b|(?<=\bgot)(ta)\b|(?<=\bgim|\blem)(me)\b"
)
_TOKEN = re.compile(
    r"(?:\b\w\.){2,}|\b(?:mr|mrs|ms|dr|st)\."
    r"|n't\b|'(?:s|re|ve|ll|d|m)\b|\w+(?:[-.:/&']\w+|,\d+)*|[^\w\s]"
)
_DROPPED = frozenset("' ` . ? ! , : - ; \"".split())
# The evaluation means to drop brackets and does not, for it looks for these in capitals.
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "{": "-lcb-", "}": "-rcb-", "[": "-lsb-", "]": "-rsb-"}


def words(text: str) -> list[str]:
    """Split a sentence as the evaluation does: Penn Treebank words, lower case, no punctuation."""
    apart = _ENDINGS.sub(r" \g<0>", text.lower().replace("’", "'"))
    tokens = (_BRACKETS.get(token, token) for token in _TOKEN.findall(apart))
    return [token for token in tokens if token not in _DROPPED]


def bleu(said: Sequence[Words], written: Sequence[Sequence[Words]]) -> tuple[float, ...]:
    """Return BLEU-1 to BLEU-4 of the whole set, 0 to 1 (Papineni et al., ACL 2002).

    `written` holds several captions for each one said. A caption's length is held against the
    nearest of them, the shorter where two are as near.
    """
    right, made = [0] * LONGEST, [0] * LONGEST
    length = wanted = 0
    for candidate, references in zip(said, written, strict=True):
        most: Grams = Counter()
        for reference in references:
            most |= _grams(reference)
        length += len(candidate)
        wanted += min((abs(len(one) - len(candidate)), len(one)) for one in references)[1]
        for gram, count in _grams(candidate).items():
            right[len(gram) - 1] += min(count, most[gram])
        for size in range(LONGEST):
            made[size] += max(len(candidate) - size, 0)
    # The tiny numbers are the evaluation's own, so that nothing said scores 0 and not an error.
    shares = [(hit + 1e-15) / (all_ + 1e-9) for hit, all_ in zip(right, made, strict=True)]
    ratio = (length + 1e-15) / (wanted + 1e-9)
    brevity = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    return tuple(brevity * math.prod(shares[:size]) ** (1 / size) for size in range(1, LONGEST + 1))


def cider(said: Sequence[Words], written: Sequence[Sequence[Words]]) -> list[float]:
    """Return CIDEr-D of each caption, 0 to 10 (Vedantam et al., CVPR 2015); the mean is the figure.

    A gram counts by how rare it is among the images of `written`, so the figure belongs to the
    set and one image alone scores 0.
    """
    seen: Grams = Counter()
    for references in written:
        seen.update(set().union(*(_grams(one) for one in references)))
    rarity = {gram: math.log(len(written)) - math.log(count) for gram, count in seen.items()}
    unseen = math.log(len(written))
    scores = []
    for candidate, references in zip(said, written, strict=True):
        ours = _weighed(candidate, rarity, unseen)
        likeness = [
            _likeness(ours, _weighed(one, rarity, unseen)) * _same_length(candidate, one)
            for one in references
        ]
        scores.append(SCALE * sum(likeness) / len(references))
    return scores


_Weights = list[dict[tuple[str, ...], float]]  # for each size of gram


def _grams(sentence: Words) -> Grams:
    return Counter(
        tuple(sentence[at : at + size])
        for size in range(1, LONGEST + 1)
        for at in range(len(sentence) - size + 1)
    )


def _weighed(sentence: Words, rarity: dict[tuple[str, ...], float], unseen: float) -> _Weights:
    weights: _Weights = [{} for _ in range(LONGEST)]
    for gram, count in _grams(sentence).items():
        weights[len(gram) - 1][gram] = count * rarity.get(gram, unseen)
    return weights


def _likeness(ours: _Weights, theirs: _Weights) -> float:
    total = 0.0
    for a, b in zip(ours, theirs, strict=True):
        # Clipped at the reference's weight, so that saying a word twice gains nothing.
        shared = sum(min(weight, b[gram]) * b[gram] for gram, weight in a.items() if gram in b)
        lengths = math.hypot(*a.values()) * math.hypot(*b.values())
        total += shared / lengths if lengths else 0.0
    return total / LONGEST


def _same_length(ours: Words, theirs: Words) -> float:
    # The evaluation measures length in pairs of words: an empty caption is as long as one word.
    apart = max(len(ours) - 1, 0) - max(len(theirs) - 1, 0)
    return math.exp(-(apart**2) / (2 * SIGMA**2))
