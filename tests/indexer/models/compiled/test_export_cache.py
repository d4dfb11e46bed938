"""Exports in their folder: whole or not at all, found again, made anew where they are damaged."""

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from indexer.models.compiled.export import Export, ExportDamaged, FileRecord
from indexer.models.compiled.export_cache import CacheUnusable, ExportCache, ExportKey
from indexer.models.compiled.network import Processor

HERE = Processor("openvino 1", ("BF16", "FP32"))
KEY = ExportKey("hf:some/model", "abc", "dual-encoder", "fp32", HERE)


@pytest.fixture
def cache(tmp_path: Path) -> ExportCache:
    return ExportCache(tmp_path / "cache")


def make(cache: ExportCache, key: ExportKey = KEY, content: bytes = b"weights") -> Path:
    """Put an export of one file into the cache."""
    with cache.turn(key), cache.draft(key) as folder:
        (folder / "image.blob").write_bytes(content)
        files = {"image.blob": FileRecord.of(folder / "image.blob")}
        Export(folder, "fp32", key.processor.runtime, files, None, {"dimension": 4}).write()
    found = cache.find(key)
    assert found is not None
    return found.folder


def test_an_export_is_found_by_its_key_alone(cache: ExportCache) -> None:
    assert cache.find(KEY) is None
    make(cache)
    found = cache.find(KEY)
    assert found is not None and dict(found.details) == {"dimension": 4}
    others = (
        replace(KEY, revision="abd"),
        replace(KEY, precision="bf16"),
        replace(KEY, part="tower"),
        replace(KEY, processor=replace(HERE, runtime="openvino 2")),
        replace(KEY, processor=replace(HERE, abilities=("FP32",))),
    )
    assert [cache.find(other) for other in others] == [None] * len(others)


@pytest.mark.parametrize("how", ["cut", "bent", "gone", "no manifest", "manifest cut"])
def test_a_damaged_export_is_removed_and_made_again(cache: ExportCache, how: str) -> None:
    folder = make(cache)
    blob, manifest = folder / "image.blob", folder / "export.json"
    os.utime(folder)
    if how == "cut":
        blob.write_bytes(b"weigh")
    elif how == "bent":
        blob.write_bytes(b"Weights")
        os.utime(blob, ns=(0, 1))  # of another time, as whatever wrote there leaves behind
    elif how == "gone":
        blob.unlink()
    elif how == "no manifest":
        manifest.unlink()
    else:
        manifest.write_bytes(manifest.read_bytes()[:40])
    with pytest.raises(ExportDamaged):
        Export.read(folder)
    assert cache.find(KEY) is None and not folder.exists()
    make(cache)


def test_a_calibration_that_is_damaged_is_kept_until_there_is_another(cache: ExportCache) -> None:
    calibrated = replace(KEY, part="int8", precision="int8")
    folder = make(cache, calibrated)
    (folder / "image.blob").write_bytes(b"weigh")
    assert cache.find(calibrated) is None and folder.is_dir()
    make(cache, calibrated)  # the same once more, in its place


def test_a_copied_cache_is_as_good(cache: ExportCache, tmp_path: Path) -> None:
    make(cache)
    shutil.copytree(tmp_path / "cache", tmp_path / "copy")  # with other times
    for path in (tmp_path / "copy").rglob("*.blob"):
        os.utime(path, ns=(5, 5))
    assert ExportCache(tmp_path / "copy").find(KEY) is not None


def test_a_draft_that_fails_leaves_nothing(cache: ExportCache) -> None:
    with pytest.raises(ZeroDivisionError), cache.turn(KEY), cache.draft(KEY) as folder:
        (folder / "image.blob").write_bytes(b"half")
        raise ZeroDivisionError
    assert cache.find(KEY) is None
    assert not list(cache.folder.rglob("*.blob"))


def test_what_a_killed_process_left_is_swept_away(cache: ExportCache) -> None:
    left = cache.folder / KEY.label / f"draft-{KEY.digest}-00000000"
    left.mkdir(parents=True)
    (left / "image.blob").write_bytes(b"half")
    make(cache)
    assert not left.exists()


def test_a_full_disk_is_an_unusable_cache(cache: ExportCache) -> None:
    with pytest.raises(CacheUnusable, match="No space left"), cache.turn(KEY), cache.draft(KEY):
        raise OSError(28, "No space left on device")
    assert cache.find(KEY) is None


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="everything is writable here")
def test_a_folder_that_may_not_be_written_is_an_unusable_cache(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    cache = ExportCache(tmp_path / "cache")
    assert cache.unwritable() is not None
    with pytest.raises(CacheUnusable), cache.turn(KEY):
        pass


def test_a_file_in_the_place_of_the_folder_is_an_unusable_cache(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(CacheUnusable), ExportCache(tmp_path / "cache").turn(KEY):
        pass


def test_a_refusal_is_remembered_for_its_key(cache: ExportCache) -> None:
    assert cache.refusal(KEY) is None
    cache.refuse(KEY, "it cannot be traced")
    assert cache.refusal(KEY) == "it cannot be traced"
    assert cache.refusal(replace(KEY, revision="abd")) is None


def test_exports_that_nobody_used_for_long_go_when_another_is_made(cache: ExportCache) -> None:
    old, used = make(cache), make(cache, replace(KEY, revision="used"))
    calibrated = make(cache, replace(KEY, revision="calibrated"))
    (calibrated / "image.xml").write_bytes(b"")
    other = make(cache, replace(KEY, name="hf:another/model"))
    cache.refuse(replace(KEY, revision="refused"), "it cannot be traced")
    refusals = list(old.parent.glob("*.failed"))
    long_ago = time.time() - 100 * 86_400
    for one in (old, used, calibrated, other, *refusals):
        os.utime(one, (long_ago, long_ago))
    assert cache.find(replace(KEY, revision="used")) is not None
    make(cache, replace(KEY, processor=replace(HERE, runtime="openvino 2")))
    there = [one.exists() for one in (old, used, calibrated, other, *refusals)]
    assert there == [False, True, True, True, False]


def test_one_makes_it_and_the_other_waits(cache: ExportCache) -> None:
    seen: list[bool] = []
    waited = Event()

    def wait() -> None:
        with ExportCache(cache.folder.parent).turn(KEY, lambda: waited.set()):
            seen.append(cache.find(KEY) is not None)

    with cache.turn(KEY):
        other = Thread(target=wait)
        other.start()
        assert waited.wait(20)
        with cache.draft(KEY) as folder:
            Export(folder, "fp32", HERE.runtime, {}, None, {}).write()
    other.join(20)
    assert seen == [True]
