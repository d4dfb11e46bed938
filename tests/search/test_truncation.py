"""What a model does not read of a text is told, in its own tokens and in words."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from indexer import Report
from indexer.models.networks.fake import FakeEncoder
from search import Engine, Hit, LabelSet, Query, Rerank, Tagger, Term
from search.ask import ask
from search.truncation import Truncation, truncations
from storage import Filters, Library, Matrix
from storage.errors import InvalidArgument
from storage.records import Answer
from storage.selection import select_items
from tests.search.readers import RuleAnswerer, RuleScorer, WordReader

Index = Callable[..., Report]


class Short(WordReader):
    """Reads five tokens, one a letter, and two marks around them."""

    context = 7

    def count_tokens(self, text: str) -> int:
        return len(text.replace(" ", "")) + 2


class ShortEncoder(FakeEncoder):
    """Reads four words and no mark."""

    context = 4


class ShortScorer(RuleScorer):
    """Reads three words and no mark."""

    context = 3


@pytest.mark.parametrize("text", ["", "a", "red", "a b c d e", "abcde"])
def test_a_text_that_is_read_whole_is_not_told_of(text: str) -> None:
    assert Truncation.of(Short(), text) is None
    assert Truncation.of(WordReader(), text * 1000) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a bc de f", "the first 3 of 4 words (5 of 6 tokens)"),
        ("ab cd ef", "the first 2 of 3 words (5 of 6 tokens)"),
        ("abcdef g", "the first 5 of 7 tokens"),
        ("赤いトビが飛ぶ", "the first 5 of 7 tokens"),
        ("a b c d e " * 300, "the first 5 of 1,500 words (5 of 1,500 tokens)"),
    ],
)
def test_it_is_told_how_much_is_read(text: str, told: str) -> None:
    truncated = Truncation.of(Short(), text)
    assert truncated is not None
    sentence = truncated.notice("short", text)
    assert sentence.endswith(f" is too long for the model short, which reads {told} of it")
    assert text[:40] in sentence
    assert len(sentence) < 200


def test_of_several_texts_each_is_told_of() -> None:
    told = truncations(Short(), "short", ["a", "abcdef", "b", "ghijkl"])
    assert [sentence[:8] for sentence in told] == ["'abcdef'", "'ghijkl'"]


def search(library: Library, query: Query) -> Answer[Hit]:
    return Engine(library, ShortEncoder, scorer=ShortScorer).search(query)


def test_words_beyond_the_context_of_a_search_are_told_plus_and_minus(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    plus, minus = "one two three four five", "six seven eight nine ten eleven"
    terms = (Term("text", plus), Term("text", "short"), Term("text", minus, -1.0))
    hits = search(library, Query(terms, k=2))
    assert len(hits) == 2 and hits.notices == (
        f"{plus!r} is too long for the model stand-in, which reads the first 4 of 5 words "
        "(4 of 5 tokens) of it",
        f"{minus!r} is too long for the model stand-in, which reads the first 4 of 6 words "
        "(4 of 6 tokens) of it",
    )


def test_terms_that_cancel_out_by_what_is_read_of_them_say_so(
    library: Library, photos: Path, index: Index
) -> None:
    class Cut(ShortEncoder):
        def encode_texts(self, texts: Sequence[str]) -> Matrix:
            return super().encode_texts([" ".join(text.split()[:4]) for text in texts])

    index(photos)
    same, longer = Term("text", "a b c d"), Term("text", "a b c d e", -1.0)
    with pytest.raises(InvalidArgument, match="cancel out: .*; 'a b c d e' is too long"):
        Engine(library, Cut).search(Query((same, longer)))


def test_a_search_without_words_loads_no_model_to_count_them(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    item = library.find(str(photos / "0.png"))

    def none() -> FakeEncoder:
        raise AssertionError

    hits = Engine(library, none).search(Query((Term("item", item.hash),)))
    assert hits and hits.notices == ()


def test_words_beyond_the_context_of_a_second_reading_are_told(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    text = "one two three four"
    hits = search(library, Query((Term("text", text),), rerank=Rerank(3)))
    assert hits.notices == (
        f"{text!r} is too long for the model rule-scorer, which reads the first 3 of 4 words "
        "(3 of 4 tokens) of it",
    )


def test_labels_beyond_the_context_are_told_once(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    labels = LabelSet("mine", ("cat", "a very long label", "one more long label here"))
    tagging = Tagger(library, ShortEncoder(), labels, ("a {}", "{}"))
    with library.catalogue.reading() as connection:
        chosen = select_items(connection, "image", Filters())
    assert list(tagging.run(chosen))
    assert tagging.notices == [
        "'a a very long label' is too long for the model stand-in, which reads the first 4 of 5 "
        "words (4 of 5 tokens) of it; so it is with 1 more label"
    ]


def test_a_question_beyond_the_context_is_told(
    library: Library, photos: Path, index: Index
) -> None:
    class ShortAnswerer(RuleAnswerer):
        context = 3

    index(photos)
    item = library.find(str(photos / "0.png"))
    notices: list[str] = []
    assert list(ask(library, ShortAnswerer(), "how bright is this?", [item.id], notices=notices))
    assert "reads the first 3 of 4 words" in notices[0]
