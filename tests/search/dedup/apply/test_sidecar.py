"""A keeper's sidecar says what only the file that goes said; nothing in one that is there goes."""

import base64
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from indexer.images.metadata import xmp
from indexer.images.metadata.annotations import of_sidecars
from indexer.images.metadata.description import Metadata, read
from search.dedup.apply import sidecar
from search.dedup.apply.actions import Action, Delete, Hardlink, Move
from search.dedup.apply.apply import Outcome, apply
from search.dedup.apply.journal import Journal
from search.dedup.apply.journal import read as read_journal
from search.dedup.apply.undo import Undone, undo
from storage.errors import FileFailure
from storage.records import Annotations
from tests.search.dedup.planted_duplicates import drafts, group, killed_after
from tests.search.dedup.xmp_samples import described, packet, photo

MORE = Metadata(("sea", "sand & <surf>"), 4, "A day", 38.722, -9.139)
PLACE = (
    "<exif:GPSLatitude>38,43.32N</exif:GPSLatitude><exif:GPSLongitude>9,8.34W</exif:GPSLongitude>"
)
FULL = packet(described("A day") + PLACE, 'xmp:Rating="4"', ("sea", "sand &amp; &lt;surf&gt;"))
EDITS = '<darktable:history darktable:v="7">0a0b</darktable:history><!-- by hand -->'

Applied = Callable[..., list[Outcome]]


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    return photo(tmp_path / "photos" / "keeper.jpg", seed=1)


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    return photo(tmp_path / "photos" / "sub" / "loser.jpg", FULL, seed=2)


@pytest.fixture
def beside(keeper: Path) -> Path:
    return Path(f"{keeper}.xmp")


@pytest.fixture
def run(tmp_path: Path, keeper: Path, duplicate: Path) -> Applied:
    """Drops the loser, moving it unless told, with sidecars."""

    def applied(action: Action | None = None, *more: Path, **how: Any) -> list[Outcome]:
        files = [path for path in (duplicate, *more) if path.exists()]
        entries = group(keeper, *files, kind="same-picture")
        way = action or Move(tmp_path / "moved")
        outcomes = list(apply(entries, way, tmp_path / "journal", **{"sidecars": True, **how}))
        assert drafts(tmp_path) == []
        return outcomes

    return applied


def back(tmp_path: Path) -> list[Undone]:
    undone = list(undo(tmp_path / "journal"))
    assert drafts(tmp_path) == []
    return undone


def test_what_only_the_loser_says_is_written_and_taken_back(
    run: Applied, keeper: Path, duplicate: Path, beside: Path, tmp_path: Path
) -> None:
    (one,) = run()
    assert one.done and one.sidecar == str(beside)
    assert one.metadata == xmp.parse(beside.read_bytes()) == read(str(keeper)) == MORE
    assert stat.S_IMODE(beside.stat().st_mode) == stat.S_IMODE(keeper.stat().st_mode) & 0o666
    text = beside.read_text(encoding="utf-8")
    assert "<rdf:Bag><rdf:li>sea</rdf:li>" in text.replace("\n", "")
    assert "38,43.32000N" in text and "9,8.34000W" in text
    steps = [(one.step.action, one.state) for one in read_journal(tmp_path / "journal")[0]]
    assert steps == [("sidecar", "done"), ("move", "done")]
    assert [(one.step.action, one.done) for one in back(tmp_path)] == [
        ("move", True),
        ("sidecar", True),
    ]
    assert duplicate.exists() and not beside.exists()
    assert back(tmp_path) == []
    (one,) = run()  # the same plan, into the same journal
    assert one.done and read(str(keeper)) == MORE


def test_a_title_and_a_date_alone_are_saved_and_taken_back(
    run: Applied, keeper: Path, duplicate: Path, beside: Path, tmp_path: Path
) -> None:
    title = "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Ferry</rdf:li></rdf:Alt></dc:title>"
    photo(duplicate, packet(title, 'xmp:CreateDate="1998-08-01"'), seed=2)
    (one,) = run()
    assert one.done and one.metadata == Metadata(title="Ferry", created_at="1998-08-01")
    assert "<photoshop:DateCreated>1998-08-01" in beside.read_text(encoding="utf-8")
    assert of_sidecars([str(beside)]) == Annotations(title="Ferry", taken_at="1998-08-01")
    assert all(one.done for one in back(tmp_path)) and not beside.exists()


def test_without_asking_nothing_is_written(run: Applied, beside: Path) -> None:
    (one,) = run(sidecars=False)
    assert one.done and one.sidecar is None and not beside.exists()


def test_a_dry_run_tells_and_writes_nothing(run: Applied, duplicate: Path, beside: Path) -> None:
    (one,) = run(dry_run=True)
    assert (one.done, one.sidecar, one.metadata) == (True, str(beside), MORE)
    assert duplicate.exists() and not beside.exists()
    beside.write_bytes(b"<x")
    (one,) = run(dry_run=True)
    assert not one.done


def test_a_sidecar_that_is_there_is_added_to_and_put_back(
    run: Applied, keeper: Path, beside: Path, tmp_path: Path
) -> None:
    former = packet(EDITS + described("Mine"), 'xmp:Rating="0" darktable:auto="1"', ("sun",))
    beside.write_bytes(former)
    beside.chmod(0o640)
    os.utime(beside, ns=(10**18, 10**18 + 7))
    before = beside.stat()
    (one,) = run()
    assert one.done
    assert read(str(keeper)) == replace(MORE, keywords=("sun", *MORE.keywords), description="Mine")
    after = beside.read_text(encoding="utf-8")
    assert EDITS in after and 'darktable:auto="1"' in after and "<?xpacket begin" in after
    assert after.count("<dc:subject>") == after.count("xmp:Rating") == 1
    assert stat.S_IMODE(beside.stat().st_mode) == 0o640
    assert all(one.done for one in back(tmp_path))
    assert beside.read_bytes() == former
    now = beside.stat()
    assert (now.st_mode, now.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_nothing_is_written_where_nothing_would_be_lost(
    run: Applied, beside: Path, tmp_path: Path
) -> None:
    beside.write_bytes(FULL)
    (one,) = run()
    assert one.done and one.sidecar is None
    assert beside.read_bytes() == FULL


def test_two_losers_add_to_one_sidecar(
    run: Applied, keeper: Path, beside: Path, tmp_path: Path
) -> None:
    other = photo(tmp_path / "photos" / "other.jpg", packet(keywords=("sea", "gull")), seed=3)
    assert [one.metadata for one in run(None, other)] == [MORE, Metadata(("gull",))]
    assert read(str(keeper)).keywords == (*MORE.keywords, "gull")
    assert len(back(tmp_path)) == 4 and not beside.exists()


@pytest.mark.parametrize(
    "there",
    [
        b"<x",
        b"",
        b"<html/>",
        b"<!DOCTYPE x><x/>",
        "Grüße".encode("latin-1"),
        packet("<dc:subject>odd</dc:subject><dc:subject/>").replace(b"rdf:RDF", b"rdf:Other"),
        packet(keywords=("a" * (10 << 20),)),
        b"<a>" * 5000 + b"</a>" * 5000,
        b"<a>" + b"<b/>" * 60_000 + b"</a>",
    ],
    ids=["cut", "empty", "other", "dtd", "latin", "no-rdf", "large", "deep", "wide"],
)
def test_one_that_cannot_be_added_to_stays_and_so_does_the_loser(
    run: Applied, duplicate: Path, beside: Path, there: bytes
) -> None:
    beside.write_bytes(there)
    (one,) = run()
    assert not one.done and one.sidecar is None
    assert f"cannot go into {beside}: " in (one.reason or "")
    assert beside.read_bytes() == there
    assert duplicate.exists()


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_file_is_not_written_to(
    run: Applied, beside: Path, duplicate: Path, kind: str
) -> None:
    if kind == "link":
        beside.symlink_to("elsewhere")
    else:
        beside.mkdir()
    assert not run()[0].done
    assert duplicate.exists() and not beside.with_name("elsewhere").exists()


def test_a_folder_that_takes_no_sidecar_keeps_the_loser(
    run: Applied, duplicate: Path, keeper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = str(keeper.parent)
    monkeypatch.setattr(os, "access", lambda path, _: path != closed)
    (one,) = run()
    assert "read-only" in (one.reason or "") and duplicate.exists()


def test_a_writing_that_fails_keeps_the_loser(
    run: Applied, duplicate: Path, beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sidecar, "fsync_and_verify", full)
    (one,) = run()
    assert one.reason == "sidecar failed: the disk is full"
    assert duplicate.exists() and not beside.exists()
    assert [one.state for one in read_journal(tmp_path / "journal")[0]] == ["failed"]


def test_one_that_was_written_to_since_stays(run: Applied, beside: Path, tmp_path: Path) -> None:
    run()
    beside.write_bytes(packet(keywords=("newer",)))
    moved, wrote = back(tmp_path)
    assert moved.done and not wrote.done
    assert "written to since" in (wrote.reason or "")
    assert xmp.parse(beside.read_bytes()).keywords == ("newer",)


def test_it_stays_while_the_file_it_speaks_for_is_gone(
    run: Applied, keeper: Path, tmp_path: Path
) -> None:
    run(Delete())  # for good: its keeper has other bytes
    assert [one.done for one in back(tmp_path)] == [False, False]
    assert read(str(keeper)) == MORE


def test_a_hard_link_saves_what_a_sidecar_of_the_loser_said(
    keeper: Path, beside: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "photos" / "twin.jpg"
    twin.write_bytes(keeper.read_bytes())
    Path(f"{twin}.xmp").write_bytes(FULL)
    (one,) = apply(group(keeper, twin), Hardlink(), tmp_path / "journal", sidecars=True)
    assert one.done and one.metadata == MORE
    assert all(one.done for one in back(tmp_path)) and not beside.exists()


@pytest.mark.parametrize("there", [False, True])
def test_killed_anywhere_it_is_finished_and_undone(tmp_path: Path, there: bool) -> None:
    finished = False
    for changes in range(60):
        home = tmp_path / str(changes)
        keeper = photo(home / "keeper.jpg", seed=1)
        duplicate = photo(home / "loser.jpg", FULL, seed=2)
        beside, former = Path(f"{keeper}.xmp"), packet(EDITS, keywords=("sun",))
        if there:
            beside.write_bytes(former)
        entries, journal = group(keeper, duplicate, kind="same-picture"), home / "journal"
        with killed_after(changes) as fate:
            list(apply(entries, Move(home / "moved"), journal, sidecars=True))
        moved = home / "moved" / "loser.jpg"
        assert duplicate.exists() or read(str(keeper)).rating == 4
        list(apply(entries, Move(home / "moved"), journal, sidecars=True))
        known = read(str(keeper))
        assert known.keywords == (("sun", *MORE.keywords) if there else MORE.keywords)
        assert beside.read_text(encoding="utf-8").count(">sea<") == 1
        assert moved.exists() and not duplicate.exists() and drafts(home) == []
        with killed_after(changes):
            list(undo(journal))
        assert duplicate.exists() or read(str(keeper)).rating == 4
        assert all(one.done for one in undo(journal))
        assert duplicate.exists() and drafts(home) == []
        assert (beside.read_bytes() == former) if there else not beside.exists()
        finished = finished or not fate.killed
    assert finished


@pytest.mark.parametrize(
    "packed", ["?", base64.b64encode(b"no").decode(), "eJw="], ids=["text", "other", "cut"]
)
def test_a_damaged_journal_puts_nothing_back(
    run: Applied, beside: Path, tmp_path: Path, packed: str
) -> None:
    run()
    step = read_journal(tmp_path / "journal")[0][0].step
    assert step.former is not None
    bad = replace(step, former=replace(step.former, packed=packed))
    with pytest.raises(FileFailure, match="damaged"):
        sidecar.revert(bad, f"{beside}.draft")


def test_a_journal_of_before_has_no_sidecars(run: Applied, tmp_path: Path) -> None:
    run()
    journal = tmp_path / "journal"
    text = journal.read_text().replace(', "former": null', "")
    journal.write_text(text)
    steps, refused = read_journal(journal)
    assert [one.step.action for one in steps] == ["sidecar", "move"] and refused == ()
    journal.write_text(text.replace('"former": {', '"former": [{').replace("}, ", "}], "))
    with Journal.open(journal) as log:
        assert "sidecar" not in [one.step.action for one in log.logged]


@pytest.mark.parametrize(
    "form",
    [
        packet(),
        packet("<dc:subject/><dc:description/>", 'xmp:Rating="0"'),
        packet("<dc:subject><rdf:Bag/></dc:subject><xmp:Rating/>"),
        packet("<dc:subject>\n <rdf:Seq>\n <rdf:li/>\n</rdf:Seq></dc:subject>"),
        packet(attributes='dc:description="" exif:GPSLatitude="?" exif:GPSLongitude=""'),
        packet().replace(b"rdf:", b"r:").replace(b"xmlns:rdf", b"xmlns:r"),
        packet().replace(b"<rdf:Description", b"<rdf:Description xml:lang='de'"),
        b'<?xml version="1.0" encoding="UTF-8"?>\n' + packet()[packet().index(b"<x:") :],
        packet().decode().encode("utf-16"),
        None,
    ],
)
def test_every_form_of_packet_is_added_to(form: bytes | None) -> None:
    made = xmp.merged(form, MORE)
    assert xmp.parse(made) == MORE
    ElementTree.fromstring(made)
    again = xmp.merged(made, Metadata(("more",)))
    assert xmp.parse(again) == replace(MORE, keywords=(*MORE.keywords, "more"))


@pytest.mark.parametrize("degrees", [0.0, -0.5, 59.99999999 / 60, 12.9999999, 89.0])
def test_places_outlast_their_spelling(degrees: float) -> None:
    found = xmp.parse(xmp.merged(None, Metadata(latitude=degrees, longitude=-degrees)))
    assert (found.latitude, found.longitude) == pytest.approx((degrees, -degrees), abs=1e-6)
