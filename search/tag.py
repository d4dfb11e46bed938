"""Tagging: zero-shot labels for images, from the vectors stored in the library."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from indexer.models import DualEncoder, is_mini
from search.hits import first_path
from search.truncation import truncations
from storage.byte_order_mark import marked_encoding
from storage.errors import (
    Hint,
    InvalidArgument,
    ItemNotFound,
    ModelMismatch,
    PathNotFound,
    TextFailure,
)
from storage.fields import check_fields
from storage.library import Library
from storage.paths import expand_home
from storage.records import Item, Matrix, Space, Tag
from storage.tables import items, spaces, tags
from storage.tables.vectors import rows_of

BUILT_IN = ("everyday", "scenes")
_SETS = Path(__file__).parent / "data" / "labelsets"
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
# For the mini family, which was trained on no other words for its scenes.
DRAWN_TEMPLATES = ("{}", "a {}", "a picture of a {}")
LARGEST_FILE = 4 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class LabelSet:
    """At least two distinct labels; `notices` name what was dropped while reading them."""

    name: str
    labels: tuple[str, ...]
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        if not all(label.strip() for label in self.labels):
            raise self._wrong("a blank label: leave it out")
        if len(set(self.labels)) < len(self.labels):
            raise self._wrong("a label twice: give each once")
        if len(self.labels) < 2:
            few = "only one label" if self.labels else "no label"
            raise self._wrong(f"{few}: labels compete for an image, give at least two, one a line")

    def _wrong(self, held: str) -> InvalidArgument:
        message = f"{{labels}} {self.name} holds {held}"
        return InvalidArgument(message, parameter="labels", value=self.name)

    @classmethod
    def read(cls, source: str) -> Self:
        """Read the built-in set of this name, or a text file with one label a line.

        The text is UTF-8, or encoded as its byte order mark says. Blank lines and lines that begin
        with "#" are ignored. Raises PathNotFound, TextFailure for a file that is not such text,
        InvalidArgument for fewer than two labels.
        """
        if not source:
            raise InvalidArgument(
                "{labels} is empty: give a file, or the name of a built-in set",
                parameter="labels",
                value=source,
            )
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
    """Return the templates; raises InvalidArgument for one without a place for the label."""
    for template in templates:
        if "{}" not in template:
            raise InvalidArgument(
                f"{{templates}} {template!r} has no place for the label: write {{}} there, as in "
                "'a photo of a {}'",
                parameter="templates",
                value=template,
            )
    return tuple(templates)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise PathNotFound(
            f"there is no label file {path}: give one, or a built-in set: {', '.join(BUILT_IN)}",
            parameter="labels",
            value=str(path),
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


# CLIP's factor for cosines before the softmax: its learned temperature, clipped at this value.
LOGIT_SCALE = 100.0
BATCH = 2048  # items whose vectors are in memory at a time: 4 MB at 512 dimensions
Shares = npt.NDArray[np.float32]  # (images, labels), rows that sum to 1
ProgressCallback = Callable[[int, int], None]  # items done, items to do


class Tagged(NamedTuple):
    """An image with a label and the label's share among all labels, 0 to 1."""

    item: Item
    path: str | None
    label: str
    score: float


class Tagger:
    """Labels images of a library, in the library's current space.

    With `min_score` None each image gets its best label, otherwise every label with at least
    that share. `templates` are sentences with a place for the label; by default those of the CLIP
    paper, or of the scenes that a mini was trained on.
    """

    def __init__(
        self,
        library: Library,
        encoder: DualEncoder,
        labels: LabelSet,
        templates: Sequence[str] = (),
        min_score: float | None = None,
        scale: float = LOGIT_SCALE,
    ) -> None:
        if min_score is not None and not 0 <= min_score <= 1:
            raise InvalidArgument(
                f"{{min_score}} is {min_score:g}: give a share from 0 to 1",
                parameter="min_score",
                value=min_score,
            )
        self._library, self._encoder, self._labels = library, encoder, labels
        self._templates = check_templates(templates)
        self._min_score, self._scale = min_score, scale
        self._truncated: list[str] = []  # of labels in their sentences
        self.without_vector = 0  # images that have no vector in the space

    @property
    def notices(self) -> list[str]:
        """Return notices about dropped or truncated labels, and images without a vector."""
        said = list(self._labels.notices)
        if self._truncated:
            more = len(self._truncated) - 1
            noun = "label" if more == 1 else "labels"
            others = f"; so it is with {more:,} more {noun}" if more else ""
            said.append(self._truncated[0] + others)
        if self.without_vector:
            these = (
                "1 image has"
                if self.without_vector == 1
                else f"{self.without_vector:,} images have"
            )
            said.append(f"{these} no vector yet and got no label: index the library first")
        return said

    def run(
        self, chosen: Sequence[int], progress: ProgressCallback | None = None
    ) -> Iterator[Tagged]:
        """Label the chosen images, by item row numbers; yield each tag once it is stored.

        The model's earlier tags with these labels are replaced, its other tags stay. Raises
        LibraryInUse, DiskFull, ItemNotFound for a library without vectors, ModelMismatch for
        vectors of another model, and the errors of the model.
        """
        with self._library.writing("tag") as counts:
            space = self._space()
            usual = DRAWN_TEMPLATES if is_mini(space) else TEMPLATES
            templates = self._templates or usual
            weights = label_vectors(self._encoder, self._labels.labels, templates)
            longest = max(templates, key=len)
            sentences = [longest.replace("{}", label) for label in self._labels.labels]
            self._truncated = truncations(self._encoder, space.name, sentences)
            given = 0
            for start in range(0, len(chosen), BATCH):
                part = chosen[start : start + BATCH]
                tagged = self._tag(space, part, weights)
                given += len(tagged)
                counts.update(tags=given)
                if progress is not None:
                    progress(start + len(part), len(chosen))
                yield from tagged

    def _space(self) -> Space:
        space = self._library.space()
        if space is None:
            raise ItemNotFound(
                "the library is empty: index a folder first", hint=Hint("index folder")
            )
        if not spaces.same(space, self._encoder.space):  # another process chose another
            raise ModelMismatch(
                f"the library {self._library.path} goes by the model {space.name} now, not by "
                f"{self._encoder.space.name}: tag again"
            )
        return space

    def _tag(self, space: Space, part: Sequence[int], weights: Matrix) -> list[Tagged]:
        assert space.id is not None
        with self._library.catalogue.reading() as connection:
            rows = rows_of(connection, space.id, part)
            found = items.hydrate(connection, part)
        numbers = [number for number in part if number in rows and number in found]
        self.without_vector += len(part) - len(numbers)
        if not numbers:
            return []
        matrix = np.stack([rows[number] for number in numbers])  # (n, dim) float32, unit rows
        given = self._chosen(numbers, shares(matrix, weights, self._scale), space.name)
        with self._library.catalogue.writing() as connection:
            tags.retract(connection, space.name, numbers, self._labels.labels)
            tags.record(connection, space.name, given)
        return [
            Tagged(found[tag.item], first_path(found[tag.item]), tag.label, tag.score)
            for tag in given
        ]

    def _chosen(self, numbers: Sequence[int], table: Shares, model: str) -> list[Tag]:
        """Return each image's tags, the most probable label first."""
        labels = self._labels.labels
        given = []
        for number, row in zip(numbers, table, strict=True):
            for place in np.argsort(-row, kind="stable"):
                score = float(row[place])
                if self._min_score is not None and score < self._min_score:
                    break
                given.append(Tag(number, labels[place], model, score))
                if self._min_score is None:
                    break
        return given


def label_vectors(encoder: DualEncoder, labels: Sequence[str], templates: Sequence[str]) -> Matrix:
    """Return one vector for each label, (labels, dim) float32, unit rows.

    It is the normalised mean of its sentences' unit vectors: the prompt ensemble of Radford et
    al., ICML 2021, section 3.1.4.
    """
    sentences = [template.replace("{}", label) for label in labels for template in templates]
    each = encoder.encode_texts(sentences).reshape(len(labels), len(templates), -1)
    mean = each.mean(axis=1)  # (labels, dim)
    unit: Matrix = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    return unit.astype(np.float32)


def shares(rows: Matrix, weights: Matrix, scale: float = LOGIT_SCALE) -> Shares:
    """Compute each image's label shares: softmax of `scale` × cosine, (n, labels) float32."""
    logits = scale * (rows @ weights.T)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    table: Shares = powers / powers.sum(axis=1, keepdims=True)
    return table
