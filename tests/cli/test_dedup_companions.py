"""Videos in and beside photos, from the command line: what stays, what goes along, what is told."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from search.dedup.plan.plan import write
from tests.drawn_images import photo
from tests.search.dedup.extras.containers import video
from tests.search.dedup.planted_duplicates import group, put

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def album(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo and its copy, each beside a video; and a motion photo with a larger still."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "album"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        photo(1).save(folder / name / "P.jpg", quality=92)
        (folder / name / "P.MOV").write_bytes(b"video" + name.encode())
    photo(2).resize((960, 720)).save(folder / "still.jpg", quality=95)
    motion = folder / "motion.jpg"
    photo(2).save(motion, quality=90)
    motion.write_bytes(motion.read_bytes() + video())
    assert run("index", folder, "--library", tmp_path / "library", "--model", "mini").exit_code == 0
    return folder


@pytest.fixture
def words(tmp_path: Path, album: Path) -> list[object]:
    return ["--library", tmp_path / "library"]


def test_the_plan_names_what_lies_beside_and_keeps_what_holds_more(
    run: Run, run_json: RunJson, words: list[object], album: Path
) -> None:
    rows = {row["path"]: row for row in run_json("dedup", *words)}
    copy = rows[str(album / "b" / "P.jpg")]
    assert (copy["action"], copy["companions"]) == ("drop", [str(album / "b" / "P.MOV")])
    motion = rows[str(album / "motion.jpg")]
    assert (motion["action"], motion["companions"]) == ("keep", [])
    assert motion["evidence"]["extras"] == [{"kind": "video", "count": 1, "bytes": len(video())}]
    found = run("dedup", *words)
    assert "1 file kept for what only they hold" in found.stderr
    assert "beside 1 of those to drop lie companions" in found.stderr
    page = Path("sightline-dedup/report.html").read_text()
    assert '"extras":"a video of 4.0 KB"' in page and "P.MOV" in page


def test_a_motion_photo_is_the_keeper_of_a_still_of_its_size(
    run: Run, run_json: RunJson, words: list[object], album: Path
) -> None:
    photo(2).save(album / "still.png")
    (album / "still.jpg").unlink()
    run("index", album, *words)
    rows = {Path(row["path"]).name: row for row in run_json("dedup", *words)}
    assert (rows["motion.jpg"]["action"], rows["motion.jpg"]["rule"]) == ("keep", "extras")
    assert rows["still.png"]["action"] == "drop"
    other = {Path(r["path"]).name: r for r in run_json("dedup", *words, "--keep", "format")}
    assert {row["action"] for name, row in other.items() if name != "P.jpg"} == {"keep"}


def test_apply_parts_nothing_unless_told_and_undo_brings_it_back(
    run: Run, run_json: RunJson, words: list[object], album: Path, tmp_path: Path
) -> None:
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    apply = ("dedup", "apply", plan, "--move", tmp_path / "moved", *words)
    left = run(*apply, "--yes")
    assert left.exit_code == 3
    assert "P.MOV lies beside it and not beside its keeper: --companions move" in left.stderr
    assert (album / "b" / "P.jpg").exists()

    looked = run(*apply, "--companions", "move", "--dry-run")
    assert looked.exit_code == 0 and "would go with it: P.MOV" in looked.stderr
    [row] = run_json(*apply, "--companions", "move", "--yes")
    assert (row["done"], row["companions"]) == (True, [str(album / "b" / "P.MOV")])
    assert not list((album / "b").iterdir())
    [journal] = plan.parent.glob("plan-*.journal.jsonl")
    back = run("dedup", "undo", journal)
    assert back.exit_code == 0 and "2 files put back" in back.stderr
    assert (album / "b" / "P.MOV").read_bytes() == b"videob"

    gone = run(*apply, "--companions", "leave", "--yes")
    assert gone.exit_code == 0
    assert [path.name for path in (album / "b").iterdir()] == ["P.MOV"]


def test_what_stays_at_its_place_takes_nothing_along(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.jsonl"
    keeper, other = put(tmp_path / "a.jpg"), put(tmp_path / "b.jpg")
    write(group(keeper, other), plan)
    for way in ("--hardlink", "--reflink"):
        refused = run("dedup", "apply", plan, way, "--companions", "move", "--yes")
        assert refused.exit_code == 2 and "moves none" in refused.stderr
    assert not other.samefile(keeper)


def test_equal_companions_go_along_unasked(
    run: Run, words: list[object], album: Path, tmp_path: Path
) -> None:
    shutil.copy(album / "a" / "P.MOV", album / "b" / "P.MOV")
    run("dedup", *words)
    done = run(
        "dedup",
        "apply",
        "sightline-dedup/plan.jsonl",
        "--move",
        tmp_path / "moved",
        "--yes",
        *words,
    )
    assert done.exit_code == 0 and "went with it: P.MOV" in done.stderr
    assert not list((album / "b").iterdir())
    assert {path.name for path in (tmp_path / "moved").iterdir()} == {"P.jpg", "P.MOV"}


def test_a_plan_of_before_is_carried_out_but_for_what_holds_more(
    run: Run, words: list[object], album: Path
) -> None:
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    rows = []
    for row in map(json.loads, plan.read_text().splitlines()):
        row["evidence"].pop("extras", None)
        row["evidence"].pop("frames", None)
        former = {key: value for key, value in row.items() if key != "companions"}
        rows.append(former | ({"action": "drop"} if row["path"].endswith("motion.jpg") else {}))
    plan.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run("dedup", "apply", plan, "--yes", *words)
    assert done.exit_code == 3
    assert "it holds a video of 4.0 KB that its keeper lacks" in done.stderr
    assert (album / "motion.jpg").exists() and (album / "b" / "P.jpg").exists()
