"""The frozen records that all layers share: items, spaces, roots, failures, builds, status."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal, Self, TypeVar

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]  # (n, dim), unit rows
Vector = npt.NDArray[np.float32]  # (dim,), unit length
Kind = Literal["image", "text"]  # what has a vector and can be a hit
# A document is a file of text, a table one read by columns: their passages are what can be hits.
ContentKind = Literal["image", "text", "document", "table"]
Record = TypeVar("Record")
CALIBRATION = "+int8."  # between a revision of weights and what identifies their calibration


class Answer(list[Record]):
    """The records that one call returns, with the notices of the work that made them.

    `notices` are sentences, each once: what was repaired, worked around or left out on the way.
    """

    def __init__(self, records: Iterable[Record] = (), notices: Iterable[str] = ()) -> None:
        super().__init__(records)
        self.notices = tuple(dict.fromkeys(notices))

    @classmethod
    def collect(
        cls,
        made: Iterable[Record],
        each: Callable[[Record], None] | None = None,
        notices: Iterable[str] = (),
    ) -> Self:
        """Collect records and hand on every one as it comes; `notices` are read at the end."""
        records = []
        with ExitStack() as stack:
            if isinstance(made, Generator):  # which may hold the library, also where `each` raises
                stack.callback(made.close)
            for record in made:
                records.append(record)
                if each is not None:
                    each(record)
        return cls(records, notices)


@dataclass(frozen=True, slots=True)
class Capture:
    """The capture data in an image: date, camera, lens and place."""

    # ISO 8601 local time, "2015-07-04T12:30:00", where known with ".250" and then "+02:00". Where
    # less is certain, less is there: "2015-07-04T12:30", "2015-07-04", "2015-07", "2015".
    taken_at: str | None = None
    camera: str | None = None  # maker and model, "Canon EOS 40D"
    lens: str | None = None
    latitude: float | None = None  # degrees, north positive
    longitude: float | None = None  # degrees, east positive


@dataclass(frozen=True, slots=True)
class Annotations:
    """Metadata by a person, or a program for them, in an image or in a sidecar beside it."""

    rating: int | None = None  # 0 to 5 stars, -1 rejected
    keywords: tuple[str, ...] = ()
    title: str | None = None
    description: str | None = None
    taken_at: str | None = None  # as of a `Capture`, as are both degrees
    latitude: float | None = None
    longitude: float | None = None

    def __bool__(self) -> bool:
        return self != Annotations()

    @classmethod
    def joined(cls, *known: "Annotations") -> "Annotations":
        """Unite keywords, and take of everything else the first that is known."""
        place = next((one for one in known if one.latitude is not None), cls())
        return cls(
            rating=next((one.rating for one in known if one.rating is not None), None),
            keywords=tuple(dict.fromkeys(word for one in known for word in one.keywords)),
            title=next((one.title for one in known if one.title), None),
            description=next((one.description for one in known if one.description), None),
            taken_at=next((one.taken_at for one in known if one.taken_at), None),
            latitude=place.latitude,
            longitude=place.longitude,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A passage: characters `start` to `end` of a decoded document."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Item:
    """Content with an identity: the SHA-256 of its bytes, and what is known of it."""

    id: int  # row number, private to one catalogue
    hash: str  # 64 hexadecimal digits
    kind: ContentKind
    bytes: int
    format: str  # "JPEG", "HEIF", "text", "table", …
    width: int | None = None  # upright pixels
    height: int | None = None
    capture: Capture = field(default_factory=Capture)
    text: str | None = None  # of a passage
    start: int | None = None
    end: int | None = None
    paths: tuple[str, ...] = ()  # files that hold it, are there and not excluded, in path order
    missing_paths: tuple[str, ...] = ()  # files that held it and are not there now
    excluded_paths: tuple[str, ...] = ()  # files that are there and that an exclude pattern names
    omitted: str | None = None  # what of its bytes could not be read, in words
    table_columns: tuple[str, ...] = ()  # of a table: which of them its passages stand in
    rating: int | None = None  # 0 to 5 stars, -1 rejected
    keywords: tuple[str, ...] = ()
    description: str | None = None  # the title and what is said below it
    annotated: Capture = field(default_factory=Capture)  # what people say where no camera does

    @property
    def taken_at(self) -> str | None:
        """Return when it was taken: by the camera's clock, else as people say."""
        return self.capture.taken_at or self.annotated.taken_at

    @property
    def place(self) -> tuple[float, float] | None:
        """Return where it was taken, in degrees north and east, by the camera or else by people."""
        for known in (self.capture, self.annotated):
            if known.latitude is not None and known.longitude is not None:
                return known.latitude, known.longitude
        return None


@dataclass(frozen=True, slots=True)
class Space:
    """The space of a model's vectors: queries are compared with vectors of the same space only.

    Vectors in fp32 and bf16 are nearer to each other than 0.998 in cosine and share a space. A
    quantised network is another revision of its weights, with a space of its own.
    """

    name: str  # as `--model` takes it: "mini", "open_clip:ARCH/TAG", or a directory
    revision: str  # pins the weights: a hub commit, or the hash of a local file
    dimension: int
    preprocessing: str  # canonical JSON of the image preparation
    id: int | None = None  # row number once stored
    precision: str = field(default="fp32", compare=False)  # of the networks: fp32, bf16 or int8

    @property
    def weights(self) -> str:
        """Return the revision of the weights, whatever a quantised network was calibrated on."""
        return self.revision.partition(CALIBRATION)[0]

    @property
    def quantized(self) -> bool:
        """Return whether images are encoded in int8."""
        return CALIBRATION in self.revision


@dataclass(frozen=True, slots=True)
class Caption:
    """A model's caption of an item."""

    item: int  # row number
    model: str
    revision: str
    text: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A model's label of an item, with its score, 0 to 1."""

    item: int  # row number
    label: str
    model: str
    score: float


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that was indexed."""

    id: int
    path: str
    walked: bool  # False: only the files named one by one are looked at again
    inode: str | None = None  # device and number, by which a renamed folder is known


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be used, or where `partial` not all of it, and why."""

    path: str
    stage: str
    reason: str
    size: int = 0
    mtime_ns: int = 0
    partial: bool = False  # what could be read of it is in the library


@dataclass(frozen=True, slots=True)
class Build:
    """A registered FAISS file: its contents and its measured recall."""

    id: int
    space_id: int
    kind: Kind
    index_kind: str
    file: str  # name inside the library's index folder
    watermark: int  # every vector row up to this number is in the file
    count: int
    checksum: str
    parameters: Mapping[str, object]
    recall: float  # measured at 10 against exact search when it was built


@dataclass(frozen=True, slots=True)
class SpaceCount:
    """A space with its number of vectors, and how many it lacks."""

    space: Space
    current: bool  # searches go by it
    vectors: int
    lacking: int  # items without a vector in it, those of missing files among them
    complete: bool  # every item with a file that can be read has a vector in it


@dataclass(frozen=True, slots=True)
class Status:
    """The counts of a library."""

    path: str
    items: int
    files: int
    missing: int
    excluded: int  # files that an exclude pattern names: kept, and in no result
    failures: int
    current: str | None  # the model by whose vectors searches go
    spaces: tuple[SpaceCount, ...]  # the current one first
    builds: tuple[Build, ...]
    bytes: int  # of the library folder
