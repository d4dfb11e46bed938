"""Bracket expressions by IEEE Std 1003.1, "RE Bracket Expression", and git's wildmatch."""

import re

import pytest

from indexer.scan.bracket_expression import bracket_regex


@pytest.mark.parametrize(
    ("expression", "matched", "others"),
    [
        ("[abc]", "abc", "d^"),
        ("[a-c-]", "abc-", "d"),
        ("[]a]", "]a", "["),
        ("[!]a]", "b[", "]a/"),
        ("[^a]", "b", "a/"),
        ("[[]", "[", "\\"),
        ("[\\]\\\\]", "]\\", "["),
        ("[a\\-c]", "a-c", "b"),
        ("[[:digit:]_]", "0_", "a:"),
        ("[![:space:][:upper:]]", "a_", " \tA"),
        ("[--0]", "-.0", "1/"),
        ("[&&~~||]", "&~|", "a"),
    ],
)
def test_an_expression_matches_its_characters_and_no_separator(
    expression: str, matched: str, others: str
) -> None:
    regex, end = bracket_regex(f"x{expression}y", 1)
    assert end == 1 + len(expression)
    assert [character for character in matched + others if re.fullmatch(regex, character)] == list(
        matched
    )
