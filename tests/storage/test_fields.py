"""Values are read by the annotations of what takes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from storage.errors import InvalidArgument
from storage.fields import (
    Between,
    check_arguments,
    check_calls,
    check_fields,
    checked,
    filled,
    path_text,
)


def halved(number: float) -> float:
    if number < 0:
        raise ValueError("a number that can be halved")
    return number / 2


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (int, 3, 3),
        (int, np.int64(3), 3),
        (float, 3, 3.0),
        (float, np.float32(0.5), 0.5),
        (bool, False, False),
        (str, "", ""),
        (str, Path("/a/b"), "/a/b"),
        (str | None, None, None),
        (int | str, "3", "3"),
        (tuple[str, ...], ["a", Path("b")], ("a", "b")),
        (tuple[int, ...] | None, (), ()),
        (Literal["a", "b"], "b", "b"),
        (Path, Path("a"), Path("a")),
        (Callable[[int], None] | None, print, print),
        (Mapping[str, float], {"a": 1}, {"a": 1}),
        (Any, 3, 3),
        (Annotated[float, halved], 3, 1.5),
        (Annotated[float, halved, halved], 4, 1.0),
        (Annotated[int, Between(1, 3)], 3, 3),
        (Annotated[int, Between(1)], 10**30, 10**30),
        (Annotated[str, filled] | None, " ", " "),
        (Annotated[str, path_text], "~/a", "~/a"),
    ],
)
def test_what_fits_is_read(kind: Any, value: object, read: object) -> None:
    found = checked(kind, value, "it")
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (int, "3", "it is '3': give a whole number"),
        (int, True, "it is True: give a whole number"),
        (int, 2.0, "it is 2.0: give a whole number"),
        (int | None, "", "it is '': give a whole number or None"),
        (float, "x", "give a number"),
        (float, False, "give a number"),
        (float, 1j, "give a number"),
        (bool, 1, "give True or False"),
        (bool, None, "give True or False"),
        (str, b"x", "give a text"),
        (tuple[str, ...], "abc", "it is 'abc': give a tuple of texts"),
        (tuple[str, ...], ("a", 1), "give a tuple of texts"),
        (tuple[str, ...], {"a"}, "give a tuple of texts"),
        (tuple[Annotated[str, filled], ...], 5, "give a tuple of texts"),
        (tuple[Annotated[str, filled], ...], ("a", ""), "it is '': it must be a text that is not"),
        (Literal["a", "b"], "c", "give one of 'a', 'b'"),
        (Literal["a", "b"], ["a"], "give one of 'a', 'b'"),
        (Callable[[int], None], 5, "give a function"),
        (Mapping[str, float], 5, "give a Mapping"),
        (Exception, 5, "give an Exception"),
        (Annotated[float, halved], "x", "give a number"),
        (Annotated[float, halved], -1, "it is -1.0: it must be a number that can be halved"),
        (Annotated[int, Between(1, 3)], 4, "it must be between 1 and 3"),
        (Annotated[float, Between(0)], float("inf"), "it must be 0 or more"),
        (Annotated[float, Between(0, 1)], float("nan"), "it must be between 0 and 1"),
        (Annotated[str, path_text], "", "the path of a file"),
        (Annotated[str, path_text], "a\0b", "the path of a file"),
        (str, ["x" * 100], "it is .{60}…: give a text"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(kind: Any, value: object, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        checked(kind, value, "it")


@pytest.mark.parametrize("kind", [tuple[int, int], "int", 5])
def test_an_annotation_that_is_not_understood_is_no_pass(kind: Any) -> None:
    with pytest.raises(TypeError):
        checked(kind, (1, 2), "it")


def test_a_record_keeps_what_was_read() -> None:
    @dataclass(frozen=True, slots=True)
    class Made:
        count: int
        names: tuple[str, ...] = ()

        def __post_init__(self) -> None:
            check_fields(self)

    made = Made(np.int8(2), ["a"])  # type: ignore[arg-type]
    assert (made.count, made.names) == (2, ("a",))
    assert type(made.count) is int
    with pytest.raises(InvalidArgument, match="names is None"):
        Made(1, None)  # type: ignore[arg-type]


def test_calls_are_checked_however_arguments_are_given() -> None:
    @check_calls
    class Made:
        def add(self, first: int, *more: int, scale: float = 1) -> float:
            """Add up."""
            return scale * (first + sum(more))

        def _inner(self, first: int) -> int:
            return first

    made = Made()
    assert made.add(1, 2, 3, scale=2) == 12.0
    assert made.add(first=1) == 1
    assert Made.add.__doc__ == "Add up."
    for given, named in (((1, "2"), {}), ((), {"first": "1"}), ((1,), {"scale": "2"})):
        with pytest.raises(InvalidArgument):
            made.add(*given, **named)  # type: ignore[arg-type]
    assert made._inner("x") == "x"  # type: ignore[arg-type, comparison-overlap]
    with pytest.raises(TypeError):
        made.add()  # type: ignore[call-arg]


def test_a_function_is_checked_too() -> None:
    @check_arguments
    def twice(text: str) -> str:
        return text * 2

    assert twice("a") == "aa"
    with pytest.raises(InvalidArgument, match="text is 5"):
        twice(5)  # type: ignore[arg-type]
