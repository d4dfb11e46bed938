"""CSV as RFC 4180 and spreadsheets write it, JSON Lines as RFC 8259 an object a line."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.texts.passages import MOST_WORDS
from indexer.texts.tabular import TableText, csv_passages, jsonl_passages
from storage.errors import TextFailure


def texts(table: TableText) -> list[str]:
    return [span.text for span in table.spans]


def test_each_line_of_a_jsonl_file_gives_its_column() -> None:
    lines = [json.dumps({"id": 1, "text": "a red kite"}), json.dumps({"text": "line\u2028end"})]
    text = "\n".join([lines[0], "", lines[1], ""])
    spans, omitted = jsonl_passages(text, ["text"])
    assert [span.text for span in spans] == ["a red kite", "line\u2028end"]
    assert [text[span.start : span.end] for span in spans] == lines
    assert omitted == ""


def test_a_list_of_strings_gives_a_passage_each() -> None:
    text = json.dumps({"captions": ["a dog", "a brown dog", 5, None]})
    assert texts(jsonl_passages(text, ["captions"])) == ["a dog", "a brown dog"]


@pytest.mark.parametrize("number", ["9" * 6_000, "-" + "1" * 5_000, "1e999", "0.5", "12"])
def test_a_number_of_any_length_leaves_its_line_readable(number: str) -> None:
    table = jsonl_passages(f'{{"id": {number}, "text": "a red kite"}}', ["text"])
    assert (texts(table), table.omitted) == (["a red kite"], "")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_one_broken_line_is_a_failure_of_that_line(end: str) -> None:
    lines = ['{"text": "a"}', '{"text": ', "", '{"text": "b"}', "[1, 2]", '\ufeff{"text": "c"}']
    table = jsonl_passages(end.join(lines), ["text"])
    assert texts(table) == ["a", "b", "c"]
    assert table.omitted == (
        "left out: line 2 is not JSON; line 5 is JSON, but not an object with named columns"
    )


def test_of_many_broken_lines_the_first_are_named() -> None:
    table = jsonl_passages('{"text": "a"}\n' + "{\n" * 20, ["text"])
    assert texts(table) == ["a"]
    assert table.omitted.startswith("left out: line 2 is not JSON; line 3 is not JSON; ")
    assert table.omitted.endswith("; line 6 is not JSON; and 15 more lines")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"text": ', "line 1 is not JSON"),
        ("[1, 2]\n{", "line 1 is JSON, but not an object .*; line 2 is not JSON"),
        ('{"caption": "a", "id": 2}\n{', "no column 'text'; there are: caption, id"),
        ('{"text": "  "}', "no words"),
        ("", "no column 'text'; there are: none"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_a_jsonl_file_without_a_whole_line_fails(text: str, reason: str) -> None:
    with pytest.raises(TextFailure, match=reason):
        jsonl_passages(text, ["text"])


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_row_of_a_csv_file_gives_its_columns(mark: str, end: str) -> None:
    rows = ["id, title ,text".replace(",", mark), f'1{mark}Kite{mark}"a ""red""{end}kite"',
            f"2{mark}Owl{mark}an owl"]  # fmt: skip
    text = end.join(rows) + end
    spans, omitted = csv_passages(text, ["text", "title"])
    assert [span.text for span in spans] == [f'a "red"{end}kite', "Kite", "an owl", "Owl"]
    assert [text[span.start : span.end] for span in spans[::2]] == rows[1:]
    assert omitted == ""


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\r\n",'))


@given(
    st.lists(st.tuples(cells, cells), min_size=1),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\r\n", "\n"]),
)
def test_what_the_csv_module_writes_is_read(
    rows: list[tuple[str, str]], mark: str, end: str
) -> None:
    into = io.StringIO()
    writer = csv.writer(into, delimiter=mark, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("name", "text"), *rows])
    expected = [text.strip() for _, text in rows if text.strip()]
    if not expected:
        with pytest.raises(TextFailure, match="no words"):
            csv_passages(into.getvalue(), ["text"])
    elif all(len(text.split()) <= 10 for text in expected):
        assert texts(csv_passages(into.getvalue(), ["text"])) == expected


@pytest.mark.parametrize("mark", [";", ",", "\t", "|", "^", ":", "~", " "])
@pytest.mark.parametrize("form", ["sep={}", '"sep={}"', "SEP={}", "sep={},,"])
def test_a_first_line_may_name_the_separator(mark: str, form: str) -> None:
    rows = [form.format(mark), f"name{mark}text", f'a{mark}"red, or green"']
    text = "\r\n".join(rows)
    spans, _ = csv_passages(text, ["text"])
    assert [span.text for span in spans] == ["red, or green"]
    assert text[spans[0].start : spans[0].end] == rows[2]


def test_a_separator_is_the_one_that_gives_a_named_column() -> None:
    assert texts(csv_passages("text;a,b,c\nred;1,2,3\n", ["text"])) == ["red"]
    assert texts(csv_passages('"one, two";text\nx;red\n', ["text"])) == ["red"]


@pytest.mark.parametrize(
    "rows",
    [
        "name,text\na,red,\nb,green,\n",
        "name,text,\na,red\nb,green\n",
        "name,text\na,red,,  ,\nb,green\n",
        "name,text,more\na,red\nb,green,x\n",
        "\n\nname,text\n\na,red\n\nb,green",
        "name,text\na,red\n,\nc\n ,\nb,green\n",
    ],
)
def test_cells_that_are_missing_or_too_many_are_empty(rows: str) -> None:
    table = csv_passages(rows, ["text"])
    assert texts(table) == ["red", "green"]
    assert table.omitted == ""


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("2,b,c", "line 3: 3 cells under a header of 2"),
        ('2,"b"c', "line 3: the row is broken (',' expected after '\"')"),
        ('2,"b', "line 3: the row is broken (unexpected end of data)"),
        ('"2,b', "line 3: the row is broken (unexpected end of data)"),
        ('2,"b\n"2",b"', "line 3: the row is broken (',' expected after '\"')"),
    ],
)
def test_one_broken_row_is_a_failure_of_that_row(broken: str, reason: str) -> None:
    text = f"id,text\n1,a\n{broken}\n3,c\n4,d 'quoted' word\n5,e"
    spans, omitted = csv_passages(text, ["text"])
    assert [span.text for span in spans if '"' not in span.text] == [
        *("a", "c", "d 'quoted' word", "e")
    ]
    assert [text[span.start : span.end] for span in spans][-3::2] == ["3,c", "5,e"]
    assert omitted == f"left out: {reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id,text\n1,a,b\n", "line 2: 3 cells under a header of 2"),
        ('id,text\n1,"b\n', "line 2: the row is broken"),
        ("id,caption\n1,a\n", "no column 'text'; there are: id, caption"),
        ("sep=;\n", "no column 'text'; there are: none"),
        ("", "no column 'text'; there are: none"),
        ("text\n", "no words"),
        ("text\n,\n", "no words"),
    ],
)
def test_a_csv_file_without_a_whole_row_fails(text: str, reason: str) -> None:
    with pytest.raises(TextFailure, match=reason):
        csv_passages(text, ["text"])


def test_many_quotes_that_never_close_take_no_endless_time() -> None:
    table = csv_passages("id,text\n1,a\n" + '2,"b\n' * 4_001, ["text"])
    assert texts(table)[0] == "a"
    assert "more lines" in table.omitted


def test_a_table_needs_only_one_of_the_named_columns() -> None:
    for table, text in [
        (csv_passages, "id,title\n1,Kite\n"),
        (jsonl_passages, '{"title": "Kite"}'),
    ]:
        assert texts(table(text, ["caption", "title"])) == ["Kite"]
        with pytest.raises(TextFailure, match="no column 'caption' or 'text'; there are: "):
            table(text, ["caption", "text"])


def test_a_long_cell_is_cut_into_passages_that_all_lie_in_its_row() -> None:
    long = "The red kite turned twice above the valley. " * 50
    text = f"id,text\n1,{long}\n2,short\n"
    spans, _ = csv_passages(text, ["text"])
    assert len(spans) > 5
    assert "".join("".join(span.text for span in spans[:-1]).split()) == "".join(long.split())
    assert all(len(span.text.split()) <= MOST_WORDS for span in spans)
    assert {text[span.start : span.end] for span in spans[:-1]} == {f"1,{long}"}


def test_the_limit_of_the_csv_module_is_left_as_it_is() -> None:
    before = csv.field_size_limit()
    csv_passages("id,text\n1,a\n", ["text"])
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("row", "expected"),
    [("one,a,two", ["one", "two"]), (",a,two", ["two"]), ("one,a,", ["one"]), ("one", ["one"])],
)
def test_every_column_of_a_name_is_read(row: str, expected: list[str]) -> None:
    assert texts(csv_passages(f"text,id, text\n{row}\n", ["text"])) == expected
