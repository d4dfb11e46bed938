"""Labels: the sets that pictures are sorted by, and the templates that make sentences of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from storage.byte_order_mark import marked_encoding
from storage.errors import InvalidArgument, PathNotFound, TextFailure
from storage.fields import check_fields
from storage.paths import expand_home

BUILT_IN = ("everyday", "scenes")
_SETS = Path(__file__).parent / "labelsets"
# The seven that Radford et al. found by searching forward through their eighty, "as good" as all
# (openai/CLIP, notebooks/Prompt_Engineering_for_ImageNet.ipynb).
TEMPLATES = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
# For the mini family, which was taught no other words than these for its scenes.
DRAWN_TEMPLATES = ("{}", "a {}", "a picture of a {}")
LARGEST_FILE = 4 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class LabelSet:
    """At least two labels, each once; `notices` says what was dropped on reading them."""

    name: str
    labels: tuple[str, ...]
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        if not all(label.strip() for label in self.labels):
            raise InvalidArgument(f"--labels {self.name} holds a blank label: leave it out")
        if len(set(self.labels)) < len(self.labels):
            raise InvalidArgument(f"--labels {self.name} holds a label twice: give each once")
        if len(self.labels) < 2:
            few = "only one label" if self.labels else "no label"
            raise InvalidArgument(
                f"--labels {self.name} holds {few}: labels compete for a picture, give at least "
                "two, one a line"
            )

    @classmethod
    def read(cls, source: str) -> Self:
        """Read the built-in set of that name, else a file of text, one label a line.

        The text is UTF-8, or what its byte order mark says. Blank lines and lines that begin with
        "#" are passed over. Raises PathNotFound, TextFailure for a file that is not such text,
        InvalidArgument for fewer than two labels.
        """
        if not source:
            raise InvalidArgument("--labels is empty: give a FILE, or the NAME of a built-in set")
        if source in BUILT_IN:
            written = (_SETS / f"{source}.txt").read_bytes()
        else:
            written = _content(expand_home(source))
        lines = [line.strip() for line in _text(written, source).splitlines()]
        labels = [" ".join(line.split()) for line in lines if line and not line.startswith("#")]
        kept = dict.fromkeys(labels)
        twice = len(labels) - len(kept)
        notice = f"{twice} of the labels in {source} are there twice: each counts once"
        return cls(source, tuple(kept), (notice,) if twice else ())


def _text(written: bytes, source: str) -> str:
    encoding, rest = marked_encoding(written) or ("utf-8", written)
    try:
        text = rest.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # also UTF-16 without its mark
        raise TextFailure(
            f"the label file {source} is not UTF-8 text: save it as UTF-8, one label a line"
        )
    return text


def check_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """Return templates that have a place for the label; raises InvalidArgument for others."""
    for template in templates:
        if "{}" not in template:
            raise InvalidArgument(
                f"--template {template!r} has no place for the label: write {{}} there, as in "
                "'a photo of a {}'"
            )
    return tuple(templates)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise PathNotFound(
            f"there is no label file {path}: give one, or a built-in set: {', '.join(BUILT_IN)}"
        )
    try:
        if path.stat().st_size <= LARGEST_FILE:
            return path.read_bytes()
    except OSError as error:
        raise TextFailure(f"the label file {path} cannot be read ({error.strerror})") from None
    raise TextFailure(
        f"the label file {path} is larger than {LARGEST_FILE >> 20} MiB: it should hold one "
        "label a line"
    )
