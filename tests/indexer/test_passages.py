import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE

import pytest

from indexer.passages import MOST_WORDS, csv_passages, jsonl_passages, passages, text_of
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


@pytest.mark.parametrize(
    "data",
    [
        "Zürich – 10 €".encode(),
        BOM_UTF8 + "Zürich – 10 €".encode(),
        BOM_UTF16_LE + "Zürich – 10 €".encode("utf-16-le"),
        BOM_UTF16_BE + "Zürich – 10 €".encode("utf-16-be"),
        "Zürich – 10 €".encode("cp1252"),
    ],
)
def test_a_text_is_read_in_the_encoding_it_is_in(data: bytes) -> None:
    assert text_of(data) == "Zürich – 10 €"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\0b", "zero bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not text"),
        (b"\xff\xfe\x00\xd8", "marked as UTF-16-LE and is not"),
    ],
)
def test_what_is_not_text_is_a_failure(data: bytes, reason: str) -> None:
    with pytest.raises(TextFailure, match=reason):
        text_of(data)


def test_each_line_of_a_jsonl_file_gives_its_column() -> None:
    lines = [json.dumps({"id": 1, "text": "a red kite"}), json.dumps({"text": "line\u2028end"})]
    text = "\n".join([lines[0], "", lines[1], ""])
    spans = jsonl_passages(text, ["text"])
    assert [span.text for span in spans] == ["a red kite", "line\u2028end"]
    assert [text[span.start : span.end] for span in spans] == lines


def test_a_list_of_strings_gives_a_passage_each() -> None:
    text = json.dumps({"captions": ["a dog", "a brown dog", 5, None]})
    assert [span.text for span in jsonl_passages(text, ["captions"])] == ["a dog", "a brown dog"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"text": "a"}\n\n{"text": ', "line 3 is not JSON"),
        ('{"text": "a"}\n[1, 2]', "line 2 is JSON, but not an object"),
        ('{"caption": "a", "id": 2}', "no column 'text'; there are: caption, id"),
        ('{"text": "  "}', "no words"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_a_broken_jsonl_file_says_where(text: str, reason: str) -> None:
    with pytest.raises(TextFailure, match=reason):
        jsonl_passages(text, ["text"])


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_each_row_of_a_csv_file_gives_its_columns(mark: str) -> None:
    rows = ["id, title ,text".replace(",", mark), f'1{mark}Kite{mark}"a ""red""\nkite"',
            f"2{mark}Owl{mark}an owl"]  # fmt: skip
    text = "\r\n".join(rows) + "\r\n"
    spans = csv_passages(text, ["text", "title"])
    assert [span.text for span in spans] == ['a "red"\nkite', "Kite", "an owl", "Owl"]
    assert [text[span.start : span.end] for span in spans[::2]] == rows[1:]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id,text\n1,a\n2,b,c\n", "line 3: 3 cells under a header of 2"),
        ('id,text\n1,a\n2,"b\n', "line 3: the row is broken"),
        ("id,caption\n1,a\n", "no column 'text'; there are: id, caption"),
        ("", "no column 'text'; there are: none"),
        ("text\n", "no words"),
    ],
)
def test_a_broken_csv_file_says_where(text: str, reason: str) -> None:
    with pytest.raises(TextFailure, match=reason):
        csv_passages(text, ["text"])


def test_a_table_needs_only_one_of_the_named_columns() -> None:
    for table, text in [
        (csv_passages, "id,title\n1,Kite\n"),
        (jsonl_passages, '{"title": "Kite"}'),
    ]:
        assert [span.text for span in table(text, ["caption", "title"])] == ["Kite"]
        with pytest.raises(TextFailure, match="no column 'caption' or 'text'; there are: "):
            table(text, ["caption", "text"])
