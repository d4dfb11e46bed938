"""The tokenizer without torch counts as open_clip's own does, whatever the text."""

import random
from pathlib import Path

import pytest

from indexer.models.compiled.clip_tokenizer import ClipTokenizer
from indexer.models.compiled.text_cleaning import Cleaning, clean

TEXTS = (
    "a photo of a dog",
    "Don't stop!! it's 12:30, we'll",
    "<start_of_text> x <end_of_text>",
    "Ünïcode – “quotes” naïve café 東京 タワー",
    "&amp; &lt;b&gt; x",
    "schÃ¶n",
    "aaaa aaaaaaa",
    "",
    "   ",
    "🎉 party 🎉🎉",
    "ſtraße ß ﬁ ½ ² Ⅷ",
    "\x1b[0m a\x1cb\u200bc",
    "</w> < / w >",
    "supercalifragilisticexpialidocious " * 20,
    "don’t ’s 'S 'LL",
)
_LETTERS = "abcdefghij klmnop'!<>/w0123 éßжя漢字🎉\u0301ⅧKſ&;"


def drawn(count: int) -> list[str]:
    """Draw texts of letters that a tokenizer may stumble over."""
    source = random.Random(0)
    return ["".join(source.choices(_LETTERS, k=source.randrange(40))) for _ in range(count)]


@pytest.fixture(scope="module")
def own() -> object:
    tokenizer = pytest.importorskip("open_clip.tokenizer")
    return tokenizer._tokenizer


def test_every_text_becomes_the_tokens_of_open_clip(own: object) -> None:
    from open_clip.tokenizer import default_bpe  # type: ignore[import-untyped]

    ours = ClipTokenizer(Path(default_bpe()), "lower")
    encode = own.encode  # type: ignore[attr-defined]
    differing = [text for text in (*TEXTS, *drawn(2_000)) if ours.tokens(text) != encode(text)]
    assert not differing
    assert (ours.begin, ours.end) == (own.sot_token_id, own.eot_token_id)  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["lower", "whitespace", "canonicalize"])
def test_texts_are_cleaned_as_open_clip_cleans_them(how: Cleaning, own: object) -> None:
    from open_clip.tokenizer import get_clean_fn

    theirs = get_clean_fn(how)
    assert [clean(text, how) for text in (*TEXTS, *drawn(500))] == [
        theirs(text) for text in (*TEXTS, *drawn(500))
    ]


def test_a_text_may_be_left_as_it_is() -> None:
    assert clean(" A  b_c! ", "") == " A  b_c! "
    assert clean(" A  b_c! ", "canonical") == "a b c"
