"""Data sets from the command line: keep and drop lists, and test images that leaked."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from PIL import ImageDraw
from pyarrow import parquet
from sqlalchemy import func, select

from cli.data_sets import check_data_set_options, data_set_options, leak, semantic
from cli.errors import run_guarded
from cli.options import filter_options, json_option, library_option
from cli.session import session
from cli.settings import Settings
from search.targets import check_folder
from storage import Library
from storage.filters import Filters
from storage.schema import vectors
from tests.drawn_images import photo

Run = Callable[..., Result]


@click.command("find")
@click.option("--kind", "kinds", multiple=True)
@click.option("--keep", default="bytes")
@click.option("--crops/--no-crops", default=True)
@click.option("--out", type=click.Path(path_type=Path))
@data_set_options
@filter_options
@json_option
@library_option
def find(**given: Any) -> int:
    check_data_set_options()
    settings, filters = Settings.read(library=given["library"]), Filters.read(given)
    with session(settings) as app:
        check_folder(app.library, filters)
        if given["semantic"]:
            return semantic(app, filters, given)
        if given["leak"] is not None:
            return leak(app, filters, given)
    return 9


@pytest.fixture
def dedup() -> Run:
    """Run the command that stands for `sightline dedup`; the exit code is that of the boundary."""

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def whole(words: tuple[str, ...]) -> None:
        raise click.exceptions.Exit(run_guarded(lambda: find(list(words), standalone_mode=False)))

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(whole, [str(word) for word in words])

    return invoke


@pytest.fixture
def album(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three photos, of the first a copy by bytes and one re-encoded; and their library."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "album"
    folder.mkdir()
    for seed in (1, 2, 3):
        photo(seed).save(folder / f"{seed}.jpg", quality=92)
    (folder / "1 copy.jpg").write_bytes((folder / "1.jpg").read_bytes())
    photo(1).save(folder / "1 small.jpg", quality=60)
    made = run("index", folder, "--library", tmp_path / "library", "--model", "stand-in")
    assert made.exit_code == 0, made.stderr
    return folder


@pytest.fixture
def words(tmp_path: Path, album: Path) -> list[object]:
    return ["--library", tmp_path / "library"]


@pytest.fixture
def test_set(tmp_path: Path, album: Path) -> Path:
    """A copy, an edit, a stranger, a broken image and a note."""
    folder = tmp_path / "test set"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jpg").write_bytes((album / "2.jpg").read_bytes())
    photo(3).resize((240, 180)).save(folder / "deep" / "b.png")
    photo(50).save(folder / "c.jpg")
    (folder / "broken.jpg").write_bytes((album / "2.jpg").read_bytes()[:200])
    (folder / "note.txt").write_text("no image")
    return folder


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_keep_and_drop_lists_share_out_every_file(
    dedup: Run, words: list[object], album: Path, tmp_path: Path
) -> None:
    done = dedup("--semantic", "--cosine", 0.95, "--cosine", 0.999999, *words)
    assert done.exit_code == 0, done.stderr
    out = tmp_path / "sightline-dedup"
    kept, dropped = _lines(out / "keep-0.95.txt"), _lines(out / "drop-0.95.txt")
    assert sorted(kept + dropped) == sorted(map(str, album.iterdir()))
    names = {Path(path).name for path in dropped}
    assert len(names & {"1.jpg", "1 copy.jpg", "1 small.jpg"}) >= 2
    assert f"{len(kept) / 5:.1%}" in done.stdout
    assert (out / "keep-0.999999.txt").is_file()
    assert not list(out.glob(".sightline-*"))


def test_shares_are_told_as_json_for_the_five_thresholds(
    dedup: Run, words: list[object], tmp_path: Path
) -> None:
    done = dedup("--semantic", "--json", "--out", tmp_path / "out", *words)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["cosine"] for row in rows] == [0.99, 0.97, 0.95, 0.9, 0.85]
    for row in rows:
        assert row["kept"] + row["dropped"] == 5
        assert row["share"] == row["kept"] / 5
        assert len(_lines(Path(row["keep"]))) == row["kept"]


def test_an_id_is_kept_or_dropped_and_never_both(
    dedup: Run, words: list[object], tmp_path: Path
) -> None:
    done = dedup("--semantic", "--list", "ids", "--out", tmp_path / "out", *words)
    assert done.exit_code == 0, done.stderr
    for cosine in ("0.99", "0.85"):
        kept = _lines(tmp_path / "out" / f"keep-{cosine}.txt")
        dropped = _lines(tmp_path / "out" / f"drop-{cosine}.txt")
        assert len({*kept, *dropped}) == len(kept) + len(dropped) == 4
        assert all(len(word) == 64 for word in kept)


def test_parquet_tells_what_stands_for_a_dropped_file(
    run: Run, dedup: Run, words: list[object], album: Path, tmp_path: Path
) -> None:
    (album / os.fsdecode(b"odd \xff.jpg")).write_bytes((album / "1.jpg").read_bytes())
    run("index", album, *words)
    dedup("--semantic", "--list", "parquet", "--cosine", 0.9, "--out", tmp_path / "out", *words)
    kept = parquet.read_table(tmp_path / "out" / "keep-0.9.parquet").to_pylist()
    dropped = parquet.read_table(tmp_path / "out" / "drop-0.9.parquet").to_pylist()
    assert all(row["keep"] and row["instead"] is None for row in kept)
    assert len(kept) + len(dropped) == 6
    assert "odd \\udcff.jpg" in {Path(row["path"]).name for row in dropped + kept}
    for row in dropped:
        assert not row["keep"]
        assert row["cosine"] > 0.9
        assert row["instead"] in {each["item"] for each in kept}
        assert row["instead_path"] in {each["path"] for each in kept}


def test_images_without_a_vector_are_told_of(
    dedup: Run, words: list[object], tmp_path: Path
) -> None:
    with Library.open(tmp_path / "library") as library, library.catalogue.writing() as connection:
        first = connection.scalar(select(func.min(vectors.c.id)))
        connection.execute(vectors.delete().where(vectors.c.id == first))
    done = dedup("--semantic", *words)
    assert done.exit_code == 0, done.stderr
    assert "1 image without a vector, in no list" in done.stderr


def test_a_filter_narrows_the_data_set(dedup: Run, words: list[object], album: Path) -> None:
    done = dedup("--semantic", "--in", album, "--camera", "Leica", *words)
    assert done.exit_code == 1
    assert "--camera Leica" in done.stderr
    assert not Path("sightline-dedup").exists()


def test_leaked_images_are_told(
    dedup: Run, words: list[object], album: Path, test_set: Path
) -> None:
    done = dedup("--leak", test_set, "--json", *words)
    assert done.exit_code == 0, done.stderr
    rows = {Path(row["test"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    assert {name: (row["kind"], Path(row["path"]).name) for name, row in rows.items()} == {
        "a.jpg": ("identical", "2.jpg"),
        "b.png": ("same-picture", "3.jpg"),
    }
    assert set(rows["b.png"]) == {"test", "path", "item", "kind", "evidence"}
    assert rows["b.png"]["evidence"]["agreement"] > 0.6
    assert "2 of 3 test images found in the library (66.7%)" in done.stderr
    assert "broken.jpg: the JPEG" in done.stderr
    assert "1 test image could not be read" in done.stderr
    assert not Path("sightline-dedup").exists()


def test_what_differs_is_no_leak_and_is_told(
    dedup: Run, words: list[object], tmp_path: Path
) -> None:
    (tmp_path / "changed").mkdir()
    changed = photo(3)
    ImageDraw.Draw(changed).rectangle((200, 150, 230, 180), "#20e040")
    changed.save(tmp_path / "changed" / "one.png")
    done = dedup("--leak", tmp_path / "changed", *words)
    assert done.exit_code == 1
    assert "1 test image not counted: like one of the library" in done.stderr
    done = dedup("--leak", tmp_path / "changed", "--kind", "similar", "--json", *words)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["evidence"]["differs"] is True
    assert "not counted" not in done.stderr


def test_leaks_that_nobody_could_look_at_closely_are_marked(
    dedup: Run, words: list[object], album: Path, test_set: Path, tmp_path: Path
) -> None:
    album.rename(tmp_path / "away")
    done = dedup("--leak", test_set, "--json", *words)
    rows = {Path(row["test"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["b.png"]["evidence"]["differs"] is None
    assert "differs" not in rows["a.jpg"]["evidence"]  # by its bytes
    assert "1 test image compared by thumbnails alone" in done.stderr
    assert " may be " in dedup("--leak", test_set, *words).stdout


def test_leaks_are_listed(dedup: Run, words: list[object], test_set: Path, tmp_path: Path) -> None:
    done = dedup("--leak", test_set, "--list", "parquet", "--no-crops", *words)
    assert done.exit_code == 0, done.stderr
    assert "a.jpg" in done.stdout
    table = parquet.read_table(tmp_path / "sightline-dedup" / "leak.parquet").to_pylist()
    assert [row["kind"] for row in table] == ["identical", "same-picture"]
    assert "hash_distance" in json.loads(table[1]["evidence"])
    dedup("--leak", test_set, "--out", tmp_path / "out", *words)
    assert _lines(tmp_path / "out" / "leak.txt") == [
        str(test_set / "a.jpg"),
        str(test_set / "deep" / "b.png"),
    ]


def test_nothing_leaked(dedup: Run, words: list[object], album: Path, tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    photo(50).save(tmp_path / "clean" / "one.jpg")
    done = dedup("--leak", tmp_path / "clean", *words)
    assert done.exit_code == 1
    assert "0 of 1 test images found in the library (0.0%)" in done.stderr
    itself = dedup("--leak", album, *words)
    assert itself.exit_code == 1


def test_bad_input_is_refused_with_a_reason(
    dedup: Run, words: list[object], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("a file")
    cases: list[tuple[list[object], int, str]] = [
        (["--semantic", "--cosine", 2], 2, "--cosine 2 is no threshold"),
        (["--semantic", "--leak", tmp_path], 2, "exclude each other"),
        (["--list", "ids"], 2, "--list does nothing without --semantic or --leak"),
        (["--cosine", 0.9], 2, "--cosine does nothing without --semantic"),
        (["--leak", tmp_path, "--cosine", 0.9], 2, "--cosine does nothing without --semantic"),
        (["--semantic", "--keep", "bytes"], 2, "--keep does nothing with --semantic"),
        (["--semantic", "--no-crops"], 2, "--crops does nothing with --semantic"),
        (["--leak", tmp_path / "nowhere"], 3, "nowhere is no folder"),
        (["--leak", tmp_path / "empty"], 3, "holds no image"),
        (["--semantic", "--out", tmp_path / "file"], 3, "name another --out"),
    ]
    for given, code, said in cases:
        result = dedup(*given, *words)
        assert said in result.stderr, (given, result.stderr)
        assert result.exit_code == code, given


def test_a_library_without_vectors_is_told(dedup: Run, tmp_path: Path, run: Run) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "note.txt").write_text("a note")
    words = ["--library", tmp_path / "library"]
    run("index", tmp_path / "photos", *words, "--model", "stand-in")
    result = dedup("--semantic", *words)
    assert result.exit_code == 3
    assert "no vectors of images" in result.stderr
