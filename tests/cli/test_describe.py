"""`sightline describe`: captions that are printed, kept and found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from indexer.models import Checkpoint
from search import CaptionJob
from storage import Library
from tests.cli.colour_reader import ColourReader

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def chosen(library: Path, reader: ColourReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every command go to the library of the photos, and read with the fake."""
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))


def test_a_row_has_every_key(run_json: RunJson, photos: Path) -> None:
    [row] = run_json("describe", photos / "2020" / "red.jpg")
    assert list(row) == ["item", "path", "caption", "model"]
    assert row["path"] == str(photos / "2020" / "red.jpg")
    assert (row["caption"], row["model"], len(row["item"])) == ("a red wall", "colours", 64)


def test_what_is_described_is_kept_and_not_done_again(
    run: Run, photos: Path, reader: ColourReader
) -> None:
    first = run("describe", "--all")
    assert first.exit_code == 0, first.stderr
    assert f"{photos / '2020' / 'red.jpg'}: a red wall" in first.stdout
    assert len(first.stdout.splitlines()) == 6
    assert "6 captions stored" in first.stderr
    again = run("describe", "--all")
    assert again.stdout == ""
    assert "0 captions stored; 6 had one of colours" in again.stderr
    assert run("describe", photos / "2020" / "blue.jpg").stdout == "a blue wall\n"
    assert "a blue wall" in run("show", photos / "2020" / "blue.jpg").stdout


def test_the_words_of_a_caption_are_found(run: Run, run_json: RunJson) -> None:
    run("describe", "--all")
    hits = run_json("search", "blue wall", "-k", 2)
    assert {hit["caption"] for hit in hits} == {"a blue wall"}
    assert all("words" in hit["why"] for hit in hits)
    assert "meaning, words" in run("search", "blue wall").stdout


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["{photos}/2020"], 3),
        (["--in", "{photos}/2021"], 4),
        (["--camera", "canon"], 3),
        (["{photos}", "--after", "2021"], 3),
        (["{photos}/2020/red.jpg", "--after", "2021"], 0),
    ],
)
def test_a_folder_and_the_filters_choose(
    words: list[str], count: int, run: Run, photos: Path
) -> None:
    result = run("describe", "--json", *(word.format(photos=photos) for word in words))
    assert len(result.stdout.splitlines()) == count
    assert result.exit_code == (0 if count else 1)


def test_an_image_outside_the_library_is_described_and_not_kept(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.png"
    other.write_bytes((photos / "2021" / "green.png").read_bytes() + b"\0")
    result = run("describe", other)
    assert (result.exit_code, result.stdout) == (0, "a green wall\n")
    assert "not in the library, so nothing was stored" in result.stderr


def test_a_broken_image_outside_the_library_is_told(run: Run, photos: Path) -> None:
    result = run("describe", photos / "broken.jpg")
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"{photos / 'broken.jpg'} cannot be used: the JPEG is cut short" in result.stderr


def test_a_model_that_says_nothing_is_told_and_nothing_is_kept(
    run: Run, photos: Path, reader: ColourReader
) -> None:
    reader.silent = True
    one = run("describe", photos / "2020" / "red.jpg")
    assert one.exit_code == 3
    assert "said nothing" in one.stderr
    every = run("describe", "--all")
    assert (every.exit_code, every.stdout) == (1, "")
    assert "said nothing about 6 images" in every.stderr
    reader.silent = False
    assert len(run("describe", "--all").stdout.splitlines()) == 6


def test_where_all_have_their_caption_no_model_is_loaded_and_nobody_is_kept_from_writing(
    run: Run, photos: Path, library: Path, reader: ColourReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("describe", "--all")
    reader.asked.clear()
    here = Checkpoint(reader.name, reader.revision)
    monkeypatch.setattr("search.describe.local_checkpoint", lambda name, role: here)
    with Library.open(library) as busy, busy.writing("a test"):
        every = run("describe", "--all")
        one = run("describe", photos / "2020" / "blue.jpg")
    assert (every.exit_code, every.stdout) == (0, "")
    assert "0 captions stored; 6 had one of colours" in every.stderr
    assert (one.exit_code, one.stdout) == (0, "a blue wall\n")
    assert reader.asked == []


def test_one_that_was_read_from_its_thumbnail_is_told(
    run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.images.ImageReader._from_file", lambda *_: None)
    result = run("describe", photos / "2020" / "red.jpg")
    assert (result.exit_code, result.stdout) == (0, "a red wall\n")
    assert "1 image was read from thumbnails" in result.stderr


def test_an_interruption_says_that_captions_are_kept(
    run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all = CaptionJob.run

    def stopped(self: CaptionJob, *words: Any) -> Any:
        yield next(iter(run_all(self, *words)))
        raise KeyboardInterrupt

    monkeypatch.setattr(CaptionJob, "run", stopped)
    result = run("describe", "--all")
    assert result.exit_code == 130
    assert "interrupted; the captions that were shown are stored" in result.stderr


def test_a_library_of_a_mini_takes_a_mini(
    run: Run, reader: ColourReader, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("describe", photos / "2020" / "red.jpg")
    run("describe", photos / "2020" / "red.jpg", "--model", "blip-caption-large")
    assert reader.asked == [("blip-caption-base", "captioner"), ("blip-caption-large", "captioner")]
    monkeypatch.setattr("search.models.default_for", lambda role, space: "mini-caption")
    run("describe", photos / "2020" / "red.jpg")
    assert reader.asked[-1] == ("mini-caption", "captioner")
