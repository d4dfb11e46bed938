"""Photo sets in the formats they are published in: captions, questions, and their images."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEOPLE = 10  # who answered each question of VQA
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_PLURALS = {
    "person": "people",
    "mouse": "mice",
    "knife": "knives",
    "wine glass": "wine glasses",
    "bus": "buses",
    "bench": "benches",
    "sandwich": "sandwiches",
    "couch": "couches",
    "toothbrush": "toothbrushes",
}
_ALIKE = {"sheep", "skis", "scissors", "broccoli"}


# Two records in a row, as in the drawn scenes; nothing in them is the same.
@dataclass(frozen=True)
class Captioned:
    """An image and what people wrote about it."""

    image: Path
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A question about an image, what kind it is, and what people answered."""

    image: Path
    question: str
    answers: tuple[str, ...]
    kind: str


def captioned(folder: Path, split: str = "test") -> list[Captioned]:
    """Read a folder's captions: Karpathy's files, COCO's, or `captions.jsonl`; none where none.

    Karpathy's files hold all splits; the others hold one.
    """
    images = _images(folder)
    for path in sorted(folder.rglob("dataset_*.json")):
        return list(_karpathy(json.loads(path.read_bytes()), images, split))
    for path in sorted(folder.rglob("captions_*.json")):
        return list(_coco(json.loads(path.read_bytes()), images))
    path = folder / "captions.jsonl"
    rows = _lines(path) if path.is_file() else []
    return [Captioned(images[row["file"]], tuple(row["captions"])) for row in rows]


def asked(folder: Path, seed: int = 0) -> list[Asked]:
    """Read a folder's questions: VQA v2's files, `questions.jsonl`, or counts of objects.

    Of counts, questions are made: how many there are of each object, and whether there is one,
    with as many that are not there, chosen by the seed.
    """
    images = _images(folder)
    for path in sorted(folder.rglob("*questions.json")):
        return list(_vqa(path, images))
    for path in sorted(folder.rglob("questions.jsonl")):
        return [
            Asked(images[row["file"]], row["question"], (row["answer"],) * PEOPLE, "all")
            for row in _lines(path)
        ]
    for path in sorted(folder.glob("object_counts_*.jsonl")):
        return list(_counted(_lines(path), images, random.Random(seed)))
    return []


def _karpathy(table: dict[str, Any], images: dict[str, Path], split: str) -> Iterator[Captioned]:
    for image in table["images"]:
        if image["split"] == split:
            raw = tuple(sentence["raw"] for sentence in image["sentences"])
            yield Captioned(images[image["filename"]], raw)


def _coco(table: dict[str, Any], images: dict[str, Path]) -> Iterator[Captioned]:
    captions: dict[int, list[str]] = {}
    for annotation in table["annotations"]:
        captions.setdefault(annotation["image_id"], []).append(annotation["caption"])
    for image in table["images"]:
        if image["id"] in captions:
            yield Captioned(images[image["file_name"]], tuple(captions[image["id"]]))


def _vqa(path: Path, images: dict[str, Path]) -> Iterator[Asked]:
    # v2_OpenEnded_mscoco_val2014_questions.json → v2_mscoco_val2014_annotations.json
    beside = path.name.replace("OpenEnded_", "").replace("questions", "annotations")
    given = {
        one["question_id"]: one
        for one in json.loads(path.with_name(beside).read_bytes())["annotations"]
    }
    numbered = {int(name.split("_")[-1].split(".")[0]): at for name, at in images.items()}
    for question in json.loads(path.read_bytes())["questions"]:
        annotation = given[question["question_id"]]
        answers = tuple(answer["answer"] for answer in annotation["answers"])
        image = numbered[question["image_id"]]
        yield Asked(image, question["question"], answers, annotation["answer_type"])


def _counted(
    rows: list[dict[str, Any]], images: dict[str, Path], rng: random.Random
) -> Iterator[Asked]:
    known = sorted({name for row in rows for name in row["counts"]})
    for row in rows:
        image, counts = images[row["file"]], row["counts"]
        absent = [name for name in known if name not in counts and name not in row["crowd"]]
        for name, count in counts.items():
            if name not in row["crowd"]:  # of a crowd nobody counted
                answers = (str(count),) * PEOPLE
                yield Asked(image, f"how many {plural(name)} are there?", answers, "counting")
        there = [(name, "yes") for name in counts]
        lacking = [(name, "no") for name in rng.sample(absent, min(len(there), len(absent)))]
        for name, answer in there + lacking:
            article = "an" if name[0] in "aeiou" else "a"
            asking = f"is there {article} {name} in the picture?"
            yield Asked(image, asking, (answer,) * PEOPLE, "presence")


def plural(name: str) -> str:
    """Return the word for several objects of a COCO category."""
    return _PLURALS.get(name, name if name in _ALIKE else f"{name}s")


def _images(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
