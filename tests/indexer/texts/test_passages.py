import pytest

from indexer.texts.passages import MOST_WORDS, parts, passages
from storage.errors import TextFailure

SENTENCE = "The red kite turned twice above the valley and was gone behind the wood. "


def test_a_short_text_is_one_passage() -> None:
    (span,) = passages("  A red kite over the hill.\n")
    assert (span.text, span.start, span.end) == ("A red kite over the hill.", 2, 27)


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE * 40,
        ("# Head\n\n" + SENTENCE * 3 + "\r\n\r\n") * 5,
        "word " * 500,
        "赤いトビが丘の上を飛ぶ。" * 40,
        "- one item of a list\n- another item of it\n" * 60,
        "http://example.org/" + "a" * 5000,
        "naïve — “quoted.” Yes! 🙂 " * 50,
    ],
)
def test_passages_stay_in_order_within_the_tower_and_true_to_their_offsets(text: str) -> None:
    spans = passages(text)
    end = 0
    for span in spans:
        assert text[span.start : span.end] == span.text == span.text.strip()
        assert span.start >= end
        assert len(span.text.split()) <= MOST_WORDS
        end = span.end
    kept = "".join(span.text for span in spans)
    assert "".join(kept.split()) == "".join(text.split())  # no word is lost


def test_passages_end_with_sentences_where_they_can() -> None:
    spans = passages(SENTENCE * 20)
    assert all(span.text.endswith("wood.") for span in spans)


def test_a_heading_stays_with_the_paragraph_below_it() -> None:
    spans = passages("# The kite\n\n" + SENTENCE * 2 + "\n\n# The owl\n\n" + SENTENCE * 2)
    assert [span.text.split("\n")[0] for span in spans] == ["# The kite", "# The owl"]


@pytest.mark.parametrize("text", ["", "  \n\t\n ", "\ufeff".strip("\ufeff")])
def test_a_text_without_words_is_a_failure(text: str) -> None:
    with pytest.raises(TextFailure, match="no words"):
        passages(text)


def test_endless_punctuation_takes_no_endless_time() -> None:
    assert passages("." * 200_000 + "\n" * 200_000 + "!?" * 100_000)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_paragraphs_end_at_blank_lines_of_every_kind(end: str) -> None:
    paragraph = SENTENCE.replace(". ", "") * 2
    spans = passages(f"{paragraph}{end}{end}{paragraph}{end} {end}{paragraph}")
    assert [span.text for span in spans] == [paragraph] * 3


def test_a_short_text_is_no_parts_and_a_long_one_is_its_passages() -> None:
    short = "a\n\nb " + SENTENCE * 3
    assert parts(short) == [short]
    long = SENTENCE * 30
    assert parts(long) == [span.text for span in passages(long)] != [long]
