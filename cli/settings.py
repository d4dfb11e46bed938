"""The settings of a person, read once: flag, then environment, then settings file, then default.

Nothing else reads what a person set.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import platformdirs

from indexer.images.limits import SECONDS, SIZES, Limits
from indexer.models.compiled.precision import WantedPrecision
from storage.errors import InvalidArgument
from storage.paths import expand_home

PREFIX = "SIGHTLINE_"
# Between patterns in the environment, as between the folders of PATH; not in `[[:alpha:]]`.
_BETWEEN = re.compile(rf"(?<!\[){re.escape(os.pathsep)}(?!\])")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set outside a single command.

    `model` is the one that a new library begins with; a library that holds vectors keeps its
    own. `exclude` given as flags replaces what is set elsewhere.
    """

    library: Path
    model: str | None = None
    device: str = "auto"
    exclude: tuple[str, ...] = ()
    workers: int | None = None
    limits: Mapping[str, float] = field(default_factory=dict)  # by the names of indexer.Limits
    precision: WantedPrecision | None = None  # of a new library: int8, or what suits the processor
    cache: Path | None = None  # where models that were prepared for this processor are kept

    @classmethod
    def read(cls, **flags: object) -> "Settings":
        """Join the four sources; a flag that is None or holds no values was not given."""
        given = {name: value for name, value in flags.items() if value not in (None, ())}
        for name, value in given.items():
            if value == "":
                raise InvalidArgument(f"the {name} is empty: name one, or leave it out")
        file, environment = _from_file(), _from_environment()
        values: dict[str, Any] = {"library": default_library(), **file, **environment, **given}
        # One limit that is set in the environment leaves the file's others as they are.
        values["limits"] = {**_limits_in(file), **_limits_in(environment)}
        values["library"] = expand_home(str(values["library"])).absolute()
        if "cache" in values:
            values["cache"] = expand_home(str(values["cache"])).absolute()
        return cls(**values)  # each source has checked its types

    def file_limits(self) -> Limits:
        """Return what one file may cost, as set or by default."""
        return Limits(**self.limits)  # type: ignore[arg-type]  # `_limits` has checked them


def default_library() -> Path:
    """Return where the library lies when nobody says otherwise."""
    return platformdirs.user_data_path("sightline") / "library"


def settings_file() -> Path:
    """Return where the settings file lies, whether it exists or not."""
    return platformdirs.user_config_path("sightline") / "settings.toml"


def typed() -> str:
    """Return how the person types the command: through uv, where uv is what ran it."""
    return "uv run sightline" if "UV_RUN_RECURSION_DEPTH" in os.environ else "sightline"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _precision(value: object) -> str:
    known = get_args(WantedPrecision)
    if value not in known:
        raise ValueError(" or ".join(known))
    return str(value)


def _globs(value: object) -> tuple[str, ...]:
    if isinstance(value, str) and value.strip():
        value = [part for part in _BETWEEN.split(value) if part]
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError("a list of texts")
    if not all(part.strip() for part in value):
        raise ValueError("a list of texts that are not empty")
    return tuple(value)


def _count(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError("a whole number from 1 on")
    return number


def _limits(value: object) -> Mapping[str, float]:
    """Read `{ pixels = 200_000_000 }`, or in the environment `pixels=200000000 seconds=60`."""
    if isinstance(value, str):
        try:
            value = {k: float(v) for k, v in (part.split("=") for part in value.split())} or None
        except ValueError:
            value = None
        if value is None:
            raise ValueError("pairs like pixels=200000000 seconds=60")
    if not isinstance(value, dict) or not set(value) <= set(_LIMITS):
        raise ValueError(f"numbers by name, of {', '.join(_LIMITS)}")
    for name, number in value.items():
        bounds = SECONDS if name == "seconds" else SIZES
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError("numbers by name")
        try:
            bounds(number)
        except ValueError as error:
            raise ValueError(f"{error} for {name}") from None
    # Seconds may have a fraction; bytes and pixels are whole.
    return {k: float(v) if k == "seconds" else int(v) for k, v in value.items()}


_READERS: Mapping[str, Callable[[object], object]] = {
    "library": _text,
    "model": _text,
    "device": _text,
    "exclude": _globs,
    "workers": _count,
    "limits": _limits,
    "precision": _precision,
    "cache": _text,
}
assert set(_READERS) == {known.name for known in fields(Settings)}
_LIMITS = tuple(limit.name for limit in fields(Limits))


def _limits_in(source: Mapping[str, Any]) -> Mapping[str, float]:
    found: Mapping[str, float] = source.get("limits", {})
    return found


def _from_file() -> dict[str, object]:
    path = settings_file()
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"the settings file {path} cannot be read: {error}") from error
    read = {key: _checked(key, value, f"{path}: {key}") for key, value in written.items()}
    for key in ("library", "cache"):  # the same folder from wherever the command is typed
        if key in read:
            read[key] = path.parent / expand_home(str(read[key]))
    return read


def _from_environment() -> dict[str, object]:
    return {
        key: _checked(key, os.environ[PREFIX + key.upper()], PREFIX + key.upper())
        for key in _READERS
        if os.environ.get(PREFIX + key.upper())
    }


def _checked(key: str, value: object, where: str) -> object:
    if key not in _READERS:
        near = get_close_matches(key, _READERS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_READERS)}"
        raise InvalidArgument(f"{where}: there is no such setting; {hint}")
    try:
        return _READERS[key](value)
    except ValueError as error:
        raise InvalidArgument(f"{where} is {value!r}: it must be {error}") from None
