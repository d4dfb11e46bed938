"""How right an answer is, by the official measure of the VQA challenge.

Antol et al., "VQA: Visual Question Answering" (ICCV 2015) and its evaluation page: an answer is
right to the degree that people gave it, min(people / 3, 1), averaged over leaving each person out.
"""

import re
from collections.abc import Sequence

ENOUGH = 3  # people who must have said it
_DIGITS = {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten".split())
} | {"none": "0"}
_ARTICLES = {"a", "an", "the"}
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_CONTRACTED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've
might've mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's
what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's
won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
# Written with one apostrophe forgotten: the official table is this rule, written out.
_MENDED = {
    word[:at] + word[at + 1 :]: word
    for word in _CONTRACTED.split()
    for at, letter in enumerate(word)
    if letter == "'"
}


def accuracy(answer: str, people: Sequence[str]) -> float:
    """Return how right an answer is, 0 to 1, by what people answered (ten of them in VQA).

    Where they all wrote the same, the answer must be just that; else both are normalised first,
    as the official script does.
    """
    said = " ".join(answer.split())
    given = [" ".join(one.split()) for one in people]
    if len(set(given)) > 1:
        said, given = normalised(said), [normalised(one) for one in given]
    shares = [
        min(sum(other == said for at, other in enumerate(given) if at != left) / ENOUGH, 1.0)
        for left in range(len(given))
    ]
    return sum(shares) / len(shares)


def normalised(answer: str) -> str:
    """Bring an answer to the form it is compared in: lower case, digits, no articles or marks."""
    return " ".join(
        _MENDED.get(word, word)
        for word in (_DIGITS.get(word, word) for word in _unmarked(answer).lower().split())
        if word not in _ARTICLES
    )


def _unmarked(answer: str) -> str:
    # A mark between two words parts them, one at a word's edge goes; so it does in "1,000".
    grouped = re.search(r"\d,\d", answer)
    text = answer
    for mark in _PUNCTUATION:
        edge = f"{mark} " in answer or f" {mark}" in answer
        text = text.replace(mark, "" if edge or grouped else " ")
    return re.sub(r"\.(?!\d)", "", text)
