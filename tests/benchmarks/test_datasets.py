"""Captions and questions are read from the formats that photo sets are published in."""

import json
from pathlib import Path

import pytest

from benchmarks.datasets import asked, captioned, plural


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two images, of which only the names matter."""
    (tmp_path / "val2014").mkdir()
    for number in (7, 9):
        (tmp_path / "val2014" / f"COCO_val2014_{number:012}.jpg").touch()
    return tmp_path


def name(number: int) -> str:
    return f"COCO_val2014_{number:012}.jpg"


def test_karpathys_files_give_the_split_that_is_asked_for(folder: Path) -> None:
    images = [
        {"filename": name(7), "split": "test", "sentences": [{"raw": "A."}, {"raw": "B."}]},
        {"filename": name(9), "split": "train", "sentences": [{"raw": "C."}]},
    ]
    (folder / "dataset_coco.json").write_text(json.dumps({"images": images}))
    (row,) = captioned(folder)
    assert (row.image.name, row.captions) == (name(7), ("A.", "B."))
    assert [row.captions for row in captioned(folder, "train")] == [("C.",)]


def test_cocos_captions_are_gathered_by_image(folder: Path) -> None:
    table = {
        "images": [{"id": 7, "file_name": name(7)}, {"id": 9, "file_name": name(9)}],
        "annotations": [
            {"image_id": 9, "caption": "A kite."},
            {"image_id": 9, "caption": "A red kite."},
        ],
    }
    (folder / "captions_val2014.json").write_text(json.dumps(table))
    (row,) = captioned(folder)
    assert (row.image.name, row.captions) == (name(9), ("A kite.", "A red kite."))


def test_lines_of_captions_are_read(folder: Path) -> None:
    line = json.dumps({"file": name(7), "captions": ["A kite."]})
    (folder / "captions.jsonl").write_text(f"{line}\n")
    assert [row.captions for row in captioned(folder)] == [("A kite.",)]


def test_vqas_questions_meet_their_ten_answers(folder: Path) -> None:
    question = {"question_id": 70, "image_id": 7, "question": "What flies?"}
    annotation = {
        "question_id": 70,
        "answer_type": "other",
        "answers": [{"answer": "kite"}] * 9 + [{"answer": "bird"}],
    }
    (folder / "v2_OpenEnded_mscoco_val2014_questions.json").write_text(
        json.dumps({"questions": [question]})
    )
    (folder / "v2_mscoco_val2014_annotations.json").write_text(
        json.dumps({"annotations": [annotation]})
    )
    (row,) = asked(folder)
    assert (row.image.name, row.question, row.kind) == (name(7), "What flies?", "other")
    assert row.answers.count("kite") == 9


def test_counts_become_questions_of_number_and_presence(folder: Path) -> None:
    rows = [
        {"file": name(7), "counts": {"person": 2, "kite": 1}, "crowd": ["person"]},
        {"file": name(9), "counts": {"umbrella": 3, "dog": 1}, "crowd": []},
    ]
    (folder / "object_counts_val2014.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = [(row.image.name, row.question, row.answers[0], row.kind) for row in asked(folder)]
    counting = [row[1:] for row in found if row[3] == "counting"]
    assert counting == [
        ("how many kites are there?", "1", "counting"),  # of the crowd nobody counted
        ("how many umbrellas are there?", "3", "counting"),
        ("how many dogs are there?", "1", "counting"),
    ]
    assert (name(9), "is there an umbrella in the picture?", "yes", "presence") in found
    absent = [row for row in found if row[2] == "no"]
    assert len(absent) == 4 and (name(9), "is there a dog in the picture?") not in [
        row[:2] for row in absent
    ]


def test_a_folder_of_neither_gives_nothing(folder: Path) -> None:
    assert captioned(folder) == [] and asked(folder) == []


def test_words_for_several() -> None:
    assert [plural(one) for one in ("person", "sheep", "bus", "dog")] == [
        "people",
        "sheep",
        "buses",
        "dogs",
    ]
