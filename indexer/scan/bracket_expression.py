"""Bracket expressions of shell patterns, `[a-z]`, as regular expressions.

IEEE Std 1003.1, "Pattern Matching Notation", with what git's wildmatch adds: `^` negates as `!`
does, and a backslash makes the next character itself.
"""

import re

# "Character Classes" of the same standard, in ASCII as git reads them.
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t-\\r ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_CLASS = re.compile(r"\[:(\w*):\]")
_MEMBER = re.compile(r"\\?(.)(?:-(?!\])\\?([^/]))?", re.DOTALL)


def bracket_regex(pattern: str, start: int) -> tuple[str, int]:
    """Translate the expression whose `[` is at `start`; also return its end.

    What it matches is one character and no separator. A ValueError says what is wrong with it.
    """
    at = start + 1
    negated = pattern[at : at + 1] in ("!", "^")
    at = first = at + negated
    members = ""
    while not (pattern.startswith("]", at) and at > first):
        if at >= len(pattern) or pattern[at] == "/":
            slash = " before the next /, which no brackets match" if at < len(pattern) else ""
            raise ValueError(f"a [ stands in it without its ]{slash}")
        if named := _CLASS.match(pattern, at):
            if named[1] not in _CLASSES:
                raise ValueError(f"there is no character class {named[0]}")
            members += _CLASSES[named[1]]
            at = named.end()
        else:
            member = _MEMBER.match(pattern, at)
            assert member is not None
            members += _range(member[1], member[2])
            at = member.end()
    return f"(?!/)[{'^' if negated else ''}{members}]", at + 1


def _range(low: str, high: str | None) -> str:
    if high is None:
        return re.escape(low)
    if low > high:
        raise ValueError(f"the range {low}-{high} runs backwards")
    return f"{re.escape(low)}-{re.escape(high)}"
