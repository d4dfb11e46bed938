"""Validation of values by the annotations of fields and parameters, so that none is forgotten.

A record calls `check_fields` when it is created, a public class is decorated with `check_calls`.
Further conditions are added to an annotation: `Annotated[int, Between(1, 10)]`, or any function
that parses a value and returns it, or raises a ValueError that says what it must be.
"""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache, wraps
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin
from typing import get_type_hints as annotations_of

from storage.errors import InvalidArgument

C = TypeVar("C")
P = ParamSpec("P")
R = TypeVar("R")
_LONGEST = 60  # characters of a wrong value that are shown
_WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}


class Between:
    """Accepts numbers from `least` to `most`, or of any size above `least`."""

    def __init__(self, least: float, most: float = float("inf")) -> None:
        self.least, self.most = least, most

    def __call__(self, number: float) -> float:
        if self.least <= number <= self.most and number < float("inf"):  # which no NaN is
            return number
        if self.most == float("inf"):
            raise ValueError(f"{self.least:,} or more")
        raise ValueError(f"between {self.least:,} and {self.most:,}")


def filled(text: str) -> str:
    """Return a text that is not empty; raises ValueError."""
    if not text:
        raise ValueError("a text that is not empty")
    return text


def path_text(text: str) -> str:
    """Return a text that may be a path; the empty one is not the current folder.

    Raises ValueError.
    """
    if not text or "\0" in text:
        raise ValueError("the path of a file or folder")
    return text


def check_fields(record: Any) -> None:
    """Parse every field of a dataclass by its annotation; raises InvalidArgument with its name.

    Numbers of numpy become Python's, lists tuples, and paths texts.
    """
    kind: Any = type(record)
    known = _annotations(kind)
    for field in fields(record):
        value = checked(known[field.name], getattr(record, field.name), field.name)
        object.__setattr__(record, field.name, value)


def check_calls(kind: type[C]) -> type[C]:
    """Check the arguments of a class's public methods at each call, as `check_fields` does."""
    for name, member in list(vars(kind).items()):
        if inspect.isfunction(member) and not name.startswith("_"):
            setattr(kind, name, check_arguments(member))
    return kind


def check_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Check a function's arguments at each call; raises InvalidArgument with its name."""
    signature = inspect.signature(function)

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        known = _annotations(function)
        for name, value in bound.arguments.items():
            if name not in known:  # self
                continue
            if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name] = tuple(checked(known[name], one, name) for one in value)
            else:
                bound.arguments[name] = checked(known[name], value, name)
        return function(*bound.args, **bound.kwargs)

    return run


def checked(kind: Any, value: Any, name: str) -> Any:
    """Parse a value by an annotation; raises InvalidArgument if it does not fit.

    Raises TypeError for an annotation that is not understood, which is a fault of the program.
    """
    try:
        return _read(kind, value, name)
    except _Other:
        raise _wrong(name, value, f"give {_described(kind)}") from None


class _Other(Exception):
    """A value is not of the kind that it is read as."""


@cache
def _annotations(owner: Any) -> Mapping[str, Any]:
    return annotations_of(owner, include_extras=True)


def _read(kind: Any, value: Any, name: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _parsed(arguments, value, name)
    if origin in (Union, UnionType):
        return _of_one(arguments, value, name)
    if origin is Literal:
        return _as(value, value in arguments if isinstance(value, str) else False)
    if origin is tuple:
        return _tuple(arguments, value, name)
    if origin is not None:  # a Callable, a Mapping, an array: what they hold is not looked into
        return _as(value, isinstance(value, origin))
    if kind is Any:
        return value
    if kind in _NUMBERS:
        return _number(kind, value)
    if kind is str:
        text = os.fspath(value) if isinstance(value, os.PathLike) else value
        return _as(text, isinstance(text, str))
    if not isinstance(kind, type):
        raise TypeError(f"{name} is annotated with {kind!r}, which cannot be checked")
    return _as(value, isinstance(value, kind))


_NUMBERS: Mapping[Any, type] = {int: Integral, float: Real}


def _number(kind: type, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, _NUMBERS[kind]):
        raise _Other
    return kind(value)


def _parsed(arguments: tuple[Any, ...], value: Any, name: str) -> Any:
    kind, *parsers = arguments
    value = _read(kind, value, name)
    for parser in parsers:
        try:
            value = parser(value)
        except ValueError as error:
            raise _wrong(name, value, f"it must be {error}") from None
    return value


def _of_one(kinds: tuple[Any, ...], value: Any, name: str) -> Any:
    for kind in kinds:
        try:
            return _read(kind, value, name)
        except _Other:
            continue
    raise _Other


def _tuple(kinds: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, (tuple, list)):
        raise _Other
    if kinds[-1] is not Ellipsis:
        raise TypeError(f"{name} is a tuple of a fixed length, which is not checked")
    return tuple(_read(kinds[0], one, name) for one in value)


def _as(value: Any, fits: bool) -> Any:
    if not fits:
        raise _Other
    return value


def _wrong(name: str, value: Any, wanted: str) -> InvalidArgument:
    message = f"{{{name}}} is {_shown(value)}: {wanted}"
    return InvalidArgument(message, parameter=name, value=value)


def _shown(value: Any) -> str:
    written = repr(value)
    return written if len(written) <= _LONGEST else f"{written[:_LONGEST]}…"


def _described(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _described(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_described(one) for one in arguments))
    if origin is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if origin is tuple:
        return f"a tuple of {_several(arguments[0])}"
    if kind is NoneType:
        return "None"
    named = "function" if origin is Callable else getattr(origin or kind, "__name__", str(kind))
    return _WORDS.get(kind, f"{'an' if named[0] in 'AEIOU' else 'a'} {named}")


def _several(kind: Any) -> str:
    kinds = get_args(kind)[:1] if get_origin(kind) is Annotated else get_args(kind) or (kind,)
    words = (_described(one).removeprefix("an ").removeprefix("a ") for one in kinds)
    return " or ".join(f"{word}s" for word in words)
