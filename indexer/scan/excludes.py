"""Exclude patterns: the names of a root that are left out, by the rules of gitignore.

The rules are those of gitignore(5), https://git-scm.com/docs/gitignore#_pattern_format, relative
to the folder that the user named, else to the root, case-sensitive. A walk checks each entry
itself: an excluded folder is never entered. In addition to gitignore, `~/`, `./` and absolute
paths in the root mean the same as in a shell, and a leading `#` begins no comment, since each
pattern is given separately.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from indexer.scan.bracket_expression import bracket_regex
from storage.errors import InvalidArgument
from storage.tables.files import is_under

_GLOB = re.compile(r"[*?\[\\]")  # what makes a name more than itself
_PLACEHOLDERS = 0xF0000  # private characters, which stand for bracket expressions meanwhile


class _Pattern:
    """One pattern, compiled relative to a root; `used` is set once it matches something."""

    def __init__(self, relative: str, regex: "re.Pattern[str]") -> None:
        self.used, self.negated = False, relative.startswith("!")
        body = relative.removeprefix("!")
        self._folders_only = body.endswith("/")
        body = body.rstrip("/")
        self._by_name = "/" not in body
        # What lies in a folder matches at any depth, and so does any part of its path.
        self._match = regex.search if body.endswith("/**") else regex.fullmatch

    def matches(self, path: str, name: str, is_folder: bool) -> bool:
        """Return whether the pattern matches this entry itself, not a folder above it."""
        if self._folders_only and not is_folder:
            return False
        return self._match(name if self._by_name else path) is not None


class RootExcludes:
    """The patterns as they apply to one root; the last that matches an entry decides."""

    def __init__(self, root: str, patterns: Sequence[_Pattern]) -> None:
        self._below = os.path.join(root, "")
        self._patterns = patterns[::-1]

    def leave_out(self, path: str, is_folder: bool) -> bool:
        """Return whether an entry of the root, given by its full path, is left out.

        The folders it lies in are taken not to be.
        """
        if not self._patterns:
            return False
        relative = path[len(self._below) :].replace(os.sep, "/")
        name = relative.rpartition("/")[2]
        decided: _Pattern | None = None
        for pattern in self._patterns:
            # Others are tried only while it is not known that they match anything.
            if decided is not None and pattern.used:
                continue
            if pattern.matches(relative, name, is_folder):
                pattern.used = True
                decided = decided or pattern
        return decided is not None and not decided.negated

    def cover(self, path: str, is_folder: bool = False) -> bool:
        """Return whether a path of the root, or a folder above it, is left out."""
        if not self._patterns or not path.startswith(self._below):
            return False
        end = len(self._below)
        while (end := path.find(os.sep, end + 1)) > 0:
            if self.leave_out(path[:end], is_folder=True):
                return True
        return self.leave_out(path, is_folder)


class Excludes:
    """The exclude patterns of a run; raises InvalidArgument for one that can match nothing.

    Those `by_root`, as of the settings, name the same files whatever folder a run is about.
    """

    def __init__(self, patterns: Iterable[str] = (), by_root: bool = False) -> None:
        if isinstance(patterns, str):  # its letters would be patterns, and a * leave out all
            raise InvalidArgument(
                f"{{exclude}} is the text {patterns!r}: give a list of patterns",
                parameter="exclude",
                value=patterns,
            )
        self._written = tuple(dict.fromkeys(patterns))
        self.by_root = by_root
        self._compiled: dict[tuple[str, str], _Pattern] = {}
        self._absolutes = {one: tuple(_absolutes(one)) for one in self._written}
        for one in self._written:
            _regex(_relative(one, "", ()), one)

    @property
    def given(self) -> bool:
        """Return whether there are any patterns."""
        return bool(self._written)

    def of(self, root: str, named: str | None = None) -> RootExcludes:
        """Return the patterns as they apply to a root where a folder of it is `named`.

        Both are absolute paths.
        """
        folder = root if named is None or self.by_root else named
        within = _GLOB.sub(r"\\\g<0>", folder[len(root) :].strip(os.sep)).replace(os.sep, "/")
        return RootExcludes(root, [self._pattern(one, root, within) for one in self._written])

    def unused(self) -> list[str]:
        """List the patterns that matched nothing in any root so far."""
        used = {written for (written, _), pattern in self._compiled.items() if pattern.used}
        return [written for written in self._written if written not in used]

    def _pattern(self, written: str, root: str, within: str) -> _Pattern:
        relative = _relative(written, root, self._absolutes[written], within)
        key = written, relative
        if key not in self._compiled:  # there may be thousands of roots, and few patterns
            self._compiled[key] = _Pattern(relative, _regex(relative, written))
        return self._compiled[key]


def _parts(written: str) -> tuple[str, str]:
    """Split off the "!" of a pattern, and drop the spaces at its end that are not escaped."""
    sign = "!" if written.startswith("!") else ""
    body = written.removeprefix("!")
    kept = body.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return sign, kept + " " if kept != body and backslashes % 2 else kept


def _relative(written: str, root: str, absolutes: Sequence[str], within: str = "") -> str:
    """Return a pattern as gitignore has it in a root; `within` is the folder it was meant in."""
    sign, body = _parts(written)
    for absolute in absolutes:
        if absolute.rstrip(os.sep) == root.rstrip(os.sep):
            return f"{sign}/*"  # all of the root
        if is_under(absolute, root):
            return f"{sign}/{absolute[len(root) :].lstrip(os.sep).replace(os.sep, '/')}"
    if body.startswith("./"):
        while body.startswith("./"):
            body = body[2:].lstrip("/")
        body = f"/{body}"
    if within and "/" in body.rstrip("/"):  # others are names, at any depth
        return f"{sign}/{within}/{body.removeprefix('/')}"
    return f"{sign}\\{body}" if body.startswith("#") else sign + body


def _absolutes(written: str) -> Iterator[str]:
    """Yield an absolute pattern as it is written, and with the symbolic links in it resolved."""
    _, body = _parts(written)
    place = os.path.expanduser(body) if body.startswith("~/") else body
    if not os.path.isabs(place):
        return
    yield place
    glob = _GLOB.search(place)
    literal = place[: glob.start()] if glob else place.rstrip(os.sep)
    folder = os.path.dirname(literal)
    yield os.path.join(os.path.realpath(folder), place[len(folder) :].lstrip(os.sep))
    if glob is None:
        yield os.path.realpath(place)


def _regex(relative: str, written: str) -> "re.Pattern[str]":
    """Translate a relative pattern to a regular expression that a whole path is matched with."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # for who excludes alone

    body = relative.removeprefix("!").rstrip("/")
    try:
        plain, brackets = _without_brackets(body)
        regex, _ = GitIgnoreSpecPattern.pattern_to_regex(plain)
        if not regex:
            raise ValueError("it names nothing")
    except ValueError as error:
        raise InvalidArgument(
            f"the exclude pattern {written!r} cannot be used: {error}; write a backslash before "
            "each of * ? [ ! \\ that is meant itself",
            parameter="exclude",
            value=written,
        ) from None
    for placeholder, bracket in brackets.items():
        regex = regex.replace(placeholder, bracket)
    return re.compile(".+" if regex == "." else regex, re.DOTALL)


def _without_brackets(body: str) -> tuple[str, dict[str, str]]:
    """Put a placeholder for each bracket expression: pathspec reads neither escapes nor classes.

    Returns also what each stands for; a ValueError says what is wrong.
    """
    plain, at = "", 0
    brackets: dict[str, str] = {}
    while at < len(body):
        if body[at] == "[":
            placeholder = chr(_PLACEHOLDERS + len(brackets))
            brackets[placeholder], at = bracket_regex(body, at)
            plain += placeholder
            continue
        width = 2 if body[at] == "\\" else 1
        if at + width > len(body):
            raise ValueError("it ends in a lone backslash")
        plain += body[at : at + width]
        at += width
    return plain, brackets
