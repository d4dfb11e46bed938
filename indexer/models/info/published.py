"""The published figures of models, as data with sources, and the recommendations from them.

`published.toml` holds the figures; nothing here measures anything or loads a network.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from indexer.models.protocols import Role
from indexer.models.runtime.accelerator import guess_device
from indexer.models.runtime.memory import Precision, bytes_for, weight_dtype
from indexer.models.zoo import TABLE
from storage.errors import InvalidArgument

Task = Literal["search", "caption", "vqa", "dialogue", "dedup"]
TASKS: tuple[Task, ...] = get_args(Task)
# What a CPU of a few cores bears: an image tower that indexes several images a second, and a
# model that writes, at an image in a few seconds.
CPU_GFLOPS = 20.0
CPU_PARAMETERS = 400e6
_FIGURES = Path(__file__).with_name("published.toml")
_DEVICES = ("auto", "cpu", "cuda", "mps")
_ENGLISH = ("en", "eng", "english")


@dataclass(frozen=True, slots=True)
class Figure:
    """One published result: what was measured, how, and where it is printed."""

    measure: str  # in words
    value: float  # as printed: per cent, or CIDEr times a hundred
    setting: str  # "zero-shot", "fine-tuned", …
    source: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A model for a task, and why; `memory` in bytes is what running it takes on that device."""

    model: str
    role: Role
    why: str
    memory: int
    parameters: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    roles: tuple[Role, ...]
    parameters: int
    gflops: float | None
    languages: str
    figures: dict[str, Figure]  # by the key of the measure


# Each task's roles, in the order they are given, and the measures they are ranked by: a model
# without the first is ranked by the next, after those that have it.
_RANKED: dict[Task, tuple[tuple[Role, tuple[str, ...]], ...]] = {
    "search": (("dual-encoder", ("coco_t2i_r1",)), ("pair-scorer", ("coco_t2i_r1",))),
    "caption": (("captioner", ("nocaps_cider", "coco_cider")),),
    "vqa": (("answerer", ("vqa_v2", "gqa")),),
    "dialogue": (("dialogue", ("vqa_v2",)),),
    # No published table measures near duplicates for these models: how well images alone are
    # told apart is the nearest thing to it.
    "dedup": (("dual-encoder", ("imagenet",)),),
}


def recommend(
    task: Task, memory_gb: float | None = None, device: str = "auto", language: str = "en"
) -> list[Recommendation]:
    """List the models of the registry for a task, best first by published results.

    On a CPU those come first that one bears. `memory_gb` leaves out what needs more than so many
    GB (10⁹ bytes), a `language` other than English what knows English alone; nothing may be left.
    For search, models that read the best hits a second time follow those that index.
    "auto" is what this machine seems to have. Raises InvalidArgument for an unknown task or
    device, or a memory that is not above 0.
    """
    _check(task, memory_gb, device)
    kind = guess_device() if device == "auto" else device.partition(":")[0]
    precision: Precision = "bf16" if kind == "cuda" else "fp32"
    listed: list[Recommendation] = []
    for role, measures in _RANKED[task]:
        fitting = [
            row
            for row in _rows()
            if role in row.roles
            and any(measure in row.figures for measure in measures)
            and (row.languages == "many" or language.partition("-")[0].lower() in _ENGLISH)
            and (memory_gb is None or _memory(row, precision) <= memory_gb * 1e9)
        ]
        slow = {row.name for row in fitting if kind == "cpu" and not _light(row, role)}
        fitting.sort(key=lambda row: _order(row, measures, row.name in slow))
        for row in fitting:
            reasons = _reasons(row, role, measures, task)
            if kind == "cpu":
                reasons.append(_cost(row, row.name in slow))
            listed.append(_recommendation(row, role, reasons, _memory(row, precision)))
    return listed


def papers() -> dict[str, tuple[Figure, ...]]:
    """Return the figures of the papers behind the families, by the name of the model they print."""
    return {entry["name"]: tuple(_figures(entry).values()) for entry in _data()["papers"]}


def configuration(name: str) -> Mapping[str, Any] | None:
    """Return the published config.json of a model without its class's defaults, if known."""
    config: Mapping[str, Any] | None
    config = next((row.get("config") for row in _data()["models"] if row["name"] == name), None)
    return config


def _check(task: str, memory_gb: float | None, device: str) -> None:
    if task not in TASKS:
        raise InvalidArgument(
            f"there is no task {task!r}: choose one of {', '.join(TASKS)}",
            parameter="task",
            value=task,
        )
    if device.partition(":")[0] not in _DEVICES:
        raise InvalidArgument(
            f"there is no device {device!r}: choose {', '.join(_DEVICES)}",
            parameter="device",
            value=device,
        )
    if memory_gb is not None and not memory_gb > 0:
        raise InvalidArgument(
            f"a memory of {memory_gb:g} GB holds no model: give more than 0",
            parameter="memory_gb",
            value=memory_gb,
        )


def _order(row: _Row, measures: Iterable[str], slow: bool) -> tuple[bool, int, float, float]:
    place, value = next(
        (place, row.figures[key].value) for place, key in enumerate(measures) if key in row.figures
    )
    return slow, place, -value, row.parameters


def _light(row: _Row, role: Role) -> bool:
    if role == "dual-encoder":
        return row.gflops is not None and row.gflops <= CPU_GFLOPS
    return row.parameters <= CPU_PARAMETERS


def _memory(row: _Row, precision: Precision) -> int:
    exact = row.roles[0] == "dual-encoder"
    return bytes_for(row.parameters, weight_dtype(row.parameters, precision, exact=exact))


def _reasons(row: _Row, role: Role, measures: Iterable[str], task: Task) -> list[str]:
    key = next(key for key in measures if key in row.figures)
    figure = row.figures[key]
    reasons = [f"{figure.measure} {figure.value:g} ({figure.setting})"]
    if task == "dedup":
        reasons.append("the nearest thing published to telling images apart")
    if role == "pair-scorer":
        reasons.append("reads the best hits of a search a second time")
    if row.languages == "many":
        reasons.append("knows many languages")
    return reasons


def _recommendation(row: _Row, role: Role, reasons: list[str], memory: int) -> Recommendation:
    return Recommendation(
        model=row.name,
        role=role,
        why="; ".join([*reasons, f"needs {memory / 1e9:.1f} GB"]),
        memory=memory,
        parameters=row.parameters,
        figures=tuple(row.figures.values()),
    )


def _cost(row: _Row, slow: bool) -> str:
    if row.gflops is not None:
        cost = f"{row.gflops:g} GFLOPs an image"
    else:
        cost = f"{row.parameters / 1e6:.0f} million parameters"
    return f"{cost}: {'slow on a CPU' if slow else 'quick enough for a CPU'}"


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_FIGURES.read_text(encoding="utf-8"))


@cache
def _rows() -> tuple[_Row, ...]:
    return tuple(
        _Row(
            name=entry["name"],
            roles=(entry["role"], *entry.get("also", ())),
            parameters=TABLE[entry["name"]].parameters,
            gflops=entry.get("image_gflops"),
            languages=entry["languages"],
            figures=_figures(entry),
        )
        for entry in _data()["models"]
    )


def _figures(entry: dict[str, Any]) -> dict[str, Figure]:
    measures, sources = _data()["measures"], _data()["sources"]
    return {
        key: Figure(measures[key], value, setting, sources[source])
        for key, value, setting, source in entry["figures"]
    }
