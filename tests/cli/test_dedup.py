"""Duplicates from the command line: found, planned, dropped, put back, decided on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import ExifTags, Image, ImageOps

from search.dedup.plan.plan import line
from tests.drawn_images import photo
from tests.search.dedup.planted_duplicates import put, row

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def album(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photos; of the first a copy by bytes, one re-encoded, one mirrored; and their library."""
    monkeypatch.chdir(tmp_path)  # where a plan goes that is given no place
    folder = tmp_path / "album"
    (folder / "backup").mkdir(parents=True)
    first = folder / "first.jpg"
    photo(1).save(first, quality=92)
    (folder / "backup" / "first (1).jpg").write_bytes(first.read_bytes())
    photo(1).resize((240, 180)).save(folder / "small.jpg", quality=70)
    ImageOps.mirror(photo(1)).save(folder / "mirrored.jpg", quality=92)
    photo(2).save(folder / "second.jpg", quality=92)
    assert run("index", folder, "--library", tmp_path / "library", "--model", "mini").exit_code == 0
    return folder


@pytest.fixture
def words(tmp_path: Path, album: Path) -> list[object]:
    return ["--library", tmp_path / "library"]


def _acts(rows: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {
        Path(row["path"]).name: (row["kind"], row["action"])
        for row in rows
        if row["evidence"] or row["kind"] == "identical"
    }


def test_copies_are_to_go_and_edits_stay(run_json: RunJson, words: list[object]) -> None:
    rows = run_json("dedup", *words)
    assert {Path(row["keeper"]).name for row in rows if row["group"] == 1} == {"first.jpg"}
    assert _acts(rows) == {
        "first (1).jpg": ("identical", "drop"),
        "small.jpg": ("same-picture", "drop"),
        "mirrored.jpg": ("edited", "keep"),
    }
    assert not Path("sightline-dedup").exists()


def test_a_kind_that_is_to_go_shares_the_group(run_json: RunJson, words: list[object]) -> None:
    drops = [arg for kind in ("identical", "same-picture", "edited") for arg in ("--drop", kind)]
    rows = run_json("dedup", *words, *drops)
    assert {row["group"] for row in rows} == {1}
    assert sum(row["action"] == "keep" for row in rows) == 1


def test_kinds_and_folders_narrow_what_is_found(
    run: Run, run_json: RunJson, words: list[object], album: Path
) -> None:
    only = run_json("dedup", *words, "--kind", "edited")
    assert {Path(row["path"]).name for row in only} == {"first.jpg", "mirrored.jpg"}
    nothing = run("dedup", *words, "--in", album / "backup", "--kind", "edited")
    assert nothing.exit_code == 1
    assert "no duplicates" in nothing.stderr


def test_a_preferred_folder_keeps_its_file(
    run_json: RunJson, words: list[object], album: Path
) -> None:
    rows = run_json("dedup", *words, "--kind", "identical", "--prefer", album / "backup")
    assert {(Path(row["keeper"]).name, row["rule"]) for row in rows} == {
        ("first (1).jpg", "prefer")
    }


def test_a_plan_is_applied_and_undone(
    run: Run, words: list[object], album: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in album.rglob("*.jpg")}
    out = tmp_path / "out"
    found = run("dedup", *words, "--out", out)
    assert found.exit_code == 0, found.stderr
    assert "2 files to drop" in found.stderr
    assert "nothing is changed yet" in found.stderr
    assert (out / "report.html").is_file()

    looked = run("dedup", "apply", out / "plan.jsonl", "--dry-run")
    assert looked.exit_code == 0, looked.stderr
    assert {path: path.read_bytes() for path in album.rglob("*.jpg")} == before

    assert run("dedup", "apply", out / "plan.jsonl").exit_code == 2  # nobody there to say yes
    assert len(list(album.rglob("*.jpg"))) == 5
    done = run("dedup", "apply", out / "plan.jsonl", "--yes")
    assert done.exit_code == 0, done.stderr
    assert {path.name for path in album.rglob("*.jpg")} == {
        "first.jpg",
        "mirrored.jpg",
        "second.jpg",
    }

    [journal] = out.glob("plan-*.journal.jsonl")
    back = run("dedup", "undo", journal)
    assert back.exit_code == 0, back.stderr
    assert {path: path.read_bytes() for path in album.rglob("*.jpg")} == before


def test_a_file_that_changed_since_is_left_alone(
    run: Run, words: list[object], album: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("dedup", *words, "--out", out)
    photo(3).save(album / "small.jpg")
    done = run("dedup", "apply", out / "plan.jsonl", "--yes", "--delete", "--json")
    assert done.exit_code == 3
    told = {Path(row["path"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    assert "changed since the plan" in told["small.jpg"]["reason"]
    assert told["first (1).jpg"]["done"]
    assert (album / "small.jpg").exists()


def test_a_dry_run_shows_what_would_go_and_says_that_nothing_did(
    run: Run, run_json: RunJson, words: list[object], album: Path
) -> None:
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    shown = run("dedup", "apply", plan, "--dry-run", *words)
    assert f"would drop {album}/small.jpg\n" in shown.stdout
    rows = run_json("dedup", "apply", plan, "--dry-run", *words)
    assert {(each["done"], each["would"]) for each in rows} == {(False, True)}


def test_a_plan_that_was_carried_out_has_nothing_left(
    run: Run, words: list[object], album: Path, tmp_path: Path
) -> None:
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    apply = ("dedup", "apply", plan, "--move", tmp_path / "moved", "--yes", *words)
    assert run(*apply).exit_code == 0
    again = run(*apply)
    assert again.exit_code == 0
    assert "0 files dropped, 2 were before, 0 left" in again.stderr
    [journal] = plan.parent.glob("plan-*.journal.jsonl")
    undo = ("dedup", "undo", journal)
    (album / "small.jpg").write_bytes((tmp_path / "moved" / "small.jpg").read_bytes())
    back = run(*undo)
    assert back.exit_code == 0
    assert "1 file put back, 1 needed nothing" in back.stderr
    assert "is at its place already" in back.stderr
    twice = run(*undo)
    assert twice.exit_code == 1
    assert "nothing is left to put back" in twice.stderr


def test_a_decision_binds_the_plan_that_it_was_made_from(
    run: Run, words: list[object], album: Path
) -> None:
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    run("dedup", "decide", plan, *words, "--group", 1, "--keep-all")
    applied = run("dedup", "apply", plan, "--yes", *words)
    assert applied.exit_code == 3
    assert "you decided that the files of its group stay" in applied.stderr
    assert (album / "small.jpg").exists()
    assert (album / "backup" / "first (1).jpg").exists()


def test_what_was_decided_to_stay_does_when_its_group_comes_again(
    run: Run, run_json: RunJson, words: list[object], album: Path
) -> None:
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    run("dedup", "decide", plan, *words, "--group", 1, "--keep-all")
    (album / "new.jpg").write_bytes((album / "first.jpg").read_bytes())
    photo(1).resize((120, 90)).save(album / "smaller.jpg", quality=70)
    run("index", album, *words)
    rows = {Path(each["path"]).name: each for each in run_json("dedup", *words)}
    assert {name for name, each in rows.items() if each["action"] == "drop"} == {
        "new.jpg",
        "smaller.jpg",
    }
    assert rows["small.jpg"]["rule"] == "decision"


def test_a_plan_with_broken_lines_is_not_decided_on(run: Run, words: list[object]) -> None:
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    plan.write_text(plan.read_text() + "nonsense\n")
    decided = run("dedup", "decide", plan, *words, "--group", 1, "--keep-all")
    assert decided.exit_code == 3 and "nothing was decided" in decided.stderr
    assert run("dedup", "decide", *words, "--list").exit_code == 1


def test_files_outside_of_the_folder_are_let_be(
    run: Run, run_json: RunJson, words: list[object], album: Path
) -> None:
    backup = album / "backup"
    among = ("dedup", *words, "--within", backup, "--prefer", backup)
    assert run(*among).exit_code == 1  # its one file has copies elsewhere only
    (backup / "again.jpg").write_bytes((album / "first.jpg").read_bytes())
    run("index", album, *words)
    assert {Path(row["path"]).parent for row in run_json(*among)} == {backup}


def test_a_plan_of_before_is_put_aside(run: Run, words: list[object]) -> None:
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    assert "former" not in run("dedup", *words).stderr  # the same again
    mine = plan.read_text().replace('"drop"', '"keep"')
    plan.write_text(mine)
    again = run("dedup", *words)
    assert "the previous plan is now" in again.stderr
    assert plan.with_name("plan.former.jsonl").read_text() == mine


def test_a_date_that_only_a_dropped_file_has_is_told_of(
    run: Run, words: list[object], album: Path
) -> None:
    assert "that their keepers lack" not in run("dedup", *words).stderr
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2019:06:01 12:30:00"
    photo(1).resize((200, 150)).save(album / "dated.jpg", quality=80, exif=exif)
    run("index", album, *words)
    assert "1 of them have metadata that their keepers lack" in run("dedup", *words).stderr
    page = Path("sightline-dedup/report.html").read_text()
    assert '"taken": "2019-06-01 12:30:00"' in page or '"taken":"2019-06-01 12:30:00"' in page


def test_a_folder_is_given_by_within_and_a_kind_to_drop_is_looked_for(
    run: Run, words: list[object], album: Path
) -> None:
    stray = run("dedup", album, *words)
    assert stray.exit_code == 2 and f"--within {album}" in stray.stderr
    unseen = run("dedup", "--drop", "similar", *words)
    assert unseen.exit_code == 2 and "add --kind similar" in unseen.stderr


@pytest.mark.parametrize("decision", ["--keep-all", "--not-duplicates"])
def test_a_decision_sticks_until_a_new_member_comes(
    run: Run, run_json: RunJson, words: list[object], album: Path, tmp_path: Path, decision: str
) -> None:
    out = tmp_path / "out"
    run("dedup", *words, "--out", out)
    plan = [json.loads(line) for line in (out / "plan.jsonl").read_text().splitlines()]
    [group] = {row["group"] for row in plan if row["kind"] == "edited"}
    decided = run("dedup", "decide", out / "plan.jsonl", "--group", group, decision, *words)
    assert decided.exit_code == 0, decided.stderr
    assert "edited" not in {row["kind"] for row in run_json("dedup", *words)}
    (album / "mirrored.jpg").rename(album / "turned.jpg")
    ImageOps.flip(photo(1)).save(album / "flipped.jpg", quality=92)
    run("index", album, *words)
    edited = [row for row in run_json("dedup", *words) if row["kind"] == "edited"]
    beside_first = [row for row in edited if Path(row["keeper"]).name == "first.jpg"]
    names = {Path(row["path"]).name for row in beside_first}
    assert "flipped.jpg" in names
    assert ("turned.jpg" in names) == (decision == "--keep-all")


def test_new_images_are_compared_with_all_and_old_ones_not_again(
    run: Run, run_json: RunJson, words: list[object], album: Path, tmp_path: Path
) -> None:
    run_json("dedup", *words)
    assert run("dedup", *words, "--out", tmp_path / "out").exit_code == 0
    photo(2).convert("L").save(album / "gray.jpg", quality=92)
    run("index", album, *words)
    rows = run_json("dedup", *words, "--kind", "edited")
    found = {Path(row["path"]).name for row in rows}
    assert {"gray.jpg", "second.jpg", "mirrored.jpg"} <= found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--keep", "size"], "there is no rule 'size'"),
        (["--kind", "alike"], "alike"),
        (["--against", "/nowhere"], "has no image of it"),
    ],
)
def test_bad_input_is_refused_with_a_reason(
    run: Run, words: list[object], given: list[str], said: str
) -> None:
    result = run("dedup", *words, *given)
    assert result.exit_code in (2, 3)
    assert said in result.stderr


def test_lines_that_are_no_entries_are_told_of(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.jsonl"
    plan.write_text('{"group": 1}\nnonsense\n')
    result = run("dedup", "apply", plan, "--yes")
    assert result.exit_code == 3
    assert "of its 2 lines none is a plan's; line 1: it lacks" in result.stderr
    keeper = put(tmp_path / "keeper")
    plan.write_text(line(row(keeper, keeper, "keep")) + '{"group": 1}\nnonsense\n')
    result = run("dedup", "apply", plan, "--yes")
    assert result.exit_code == 3
    assert "line 2" in result.stderr
    assert "line 3" in result.stderr


def test_two_ways_to_drop_exclude_each_other(run: Run, tmp_path: Path) -> None:
    result = run("dedup", "apply", tmp_path / "plan.jsonl", "--move", tmp_path, "--hardlink")
    assert result.exit_code == 2
    assert "--move and --hardlink exclude each other" in result.stderr


def test_a_file_is_held_against_the_whole_library(
    run: Run, run_json: RunJson, words: list[object], album: Path
) -> None:
    rows = run_json("dedup", *words, "--within", album / "small.jpg")
    assert {Path(row["path"]).name for row in rows} == {"small.jpg", "first.jpg", "first (1).jpg"}
    alone = run("dedup", *words, "--within", album / "second.jpg")
    assert alone.exit_code == 1
    both = run("dedup", *words, "--within", album, "--in", album)
    assert both.exit_code == 2
    assert "--within and --in" in both.stderr
    nowhere = run("dedup", *words, "--within", album / "none")
    assert nowhere.exit_code == 3
    assert "--within" in nowhere.stderr


def test_against_lists_only_what_is_on_both_sides(
    run_json: RunJson, words: list[object], album: Path, run: Run
) -> None:
    (album / "second again.jpg").write_bytes((album / "second.jpg").read_bytes())
    assert run("index", "--library", words[1]).exit_code == 0
    rows = run_json("dedup", *words, "--against", album / "backup", "--kind", "identical")
    assert {Path(row["path"]).name for row in rows} == {"first.jpg", "first (1).jpg"}


def test_limits_are_options(run: Run, run_json: RunJson, words: list[object]) -> None:
    rows = run_json("dedup", *words, "--kind", "similar", "--limit", "cosine=0.5")
    assert {"first.jpg", "second.jpg"} <= {Path(row["path"]).name for row in rows}
    assert all("cosine" in row["evidence"] for row in rows if row["path"] != row["keeper"])
    wrong = run("dedup", *words, "--limit", "cosines=1")
    assert wrong.exit_code == 2
    assert "cosine=0.95" in wrong.stderr


def test_decisions_are_listed_and_taken_back(
    run: Run, run_json: RunJson, words: list[object]
) -> None:
    assert run("dedup", "decide", *words, "--list").exit_code == 1
    run("dedup", *words)
    plan = Path("sightline-dedup/plan.jsonl")
    assert run("dedup", "decide", plan, *words, "--group", 1, "--keep-all").exit_code == 0
    [decided] = run_json("dedup", "decide", *words, "--list")
    assert decided["decision"] == "keep-all"
    assert len(decided["paths"]) == 3
    assert {Path(path).name for path in decided["paths"]} == {
        "first.jpg",
        "first (1).jpg",
        "small.jpg",
    }
    shown = run("dedup", "decide", *words, "--list")
    assert "keep-all" in shown.stdout
    assert {row["group"] for row in run_json("dedup", *words)} == {1}
    assert run("dedup", "decide", *words, "--forget", decided["id"]).exit_code == 0
    assert {row["group"] for row in run_json("dedup", *words)} == {1, 2}
    again = run("dedup", "decide", *words, "--forget", decided["id"])
    assert "there is no decision" in again.stderr
    assert run("dedup", "decide", plan, *words, "--list").exit_code == 2


def test_of_several_journals_the_newest_is_undone_first_and_done_ones_are_passed_over(
    run: Run, words: list[object], album: Path, tmp_path: Path
) -> None:
    journals: list[Path] = []
    for name in ("one", "two"):
        run("dedup", "--out", name, *words)
        moved = ("--move", tmp_path / "moved" / name, "--yes")
        assert run("dedup", "apply", Path(name, "plan.jsonl"), *moved, *words).exit_code == 0
        journals += Path(name).glob("*.journal.jsonl")
        if name == "one":
            assert run("dedup", "undo", *journals).exit_code == 0
    before = {path.name for path in album.iterdir()}
    back = run("dedup", "undo", *journals)
    assert back.exit_code == 0 and "put back" in back.stderr
    assert {path.name for path in album.iterdir()} > before
    assert run("dedup", "undo", *journals).exit_code == 1
