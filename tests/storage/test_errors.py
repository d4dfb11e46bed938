"""Errors speak to every face: names of arguments and next steps are data beside the message."""

import pickle

import pytest

from storage import errors
from storage.errors import DecodeFailure, FileFailure, Hint, InvalidArgument, SightlineError

EVERY = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, SightlineError)
]


def test_a_python_caller_sees_the_name_that_was_written() -> None:
    error = InvalidArgument("{min_match} is 1.5: give less", parameter="min_match", value=1.5)
    assert str(error) == "min_match is 1.5: give less"
    assert (error.parameter, error.value) == ("min_match", 1.5)


def test_a_face_writes_its_own_names() -> None:
    error = InvalidArgument("leave {k} or {kind} out", parameter="k", others=("kind",))
    assert error.spelled(lambda name: f"?{name}=") == "leave ?k= or ?kind= out"


def test_braces_of_a_value_stay() -> None:
    error = InvalidArgument("{templates} '{0!r} {}' is none", parameter="templates")
    assert str(error) == "templates '{0!r} {}' is none"
    assert str(SightlineError("there is no file {k}")) == "there is no file {k}"


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_comes_home_from_another_process(kind: type[SightlineError]) -> None:
    """Those of files are raised in the processes that read them."""
    error = kind(
        "{k} is 0: see {kind}", parameter="k", value=0, others=("kind",), hint=Hint("pull", "mini")
    )
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is kind and vars(there) == vars(error)
    assert str(there) == str(error) == "k is 0: see kind"


def test_more_words_around_a_message_leave_the_rest_of_an_error_as_it_is() -> None:
    try:
        raise DecodeFailure("use {trash}", others=("trash",), hint=Hint("index"))
    except FileFailure as failure:
        error = failure.wrapped("left: ", ", please")
    assert type(error) is DecodeFailure and error.__traceback__ is None
    assert error.reason == "left: use trash, please"
    assert error.spelled(str.upper) == "left: use TRASH, please"
    assert error.hint == Hint("index")
    assert error.wrapped(hint=Hint("use")).hint == Hint("use")
