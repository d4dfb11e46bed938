import hashlib
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants, errors

from indexer.models import fetch, load
from indexer.models.files import hub
from storage.errors import ModelUnavailable

COMMIT = "4afec35ffe57a943d569ff7ee888061830164da8"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no way out to it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def offline(*_: Any, **__: Any) -> None:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", offline)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    return tmp_path / "hub"


def put(cache: Path, repository: str, file: str) -> Path:
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    path = folder / "snapshots" / COMMIT / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    return path


def test_a_cached_file_is_used_without_the_network(cache: Path) -> None:
    path = put(cache, "some/model", "weights.safetensors")
    assert hub.fetch("m", "some/model", "weights.safetensors") == (path, COMMIT)
    assert hub.fetch("m", "some/model", "weights.safetensors", COMMIT) == (path, COMMIT)


def test_what_was_fetched_by_its_commit_is_the_newest_one_seen(cache: Path) -> None:
    path = put(cache, "some/model", "weights.safetensors")
    (path.parents[2] / "refs" / "main").unlink()
    assert hub.fetch("m", "some/model", "weights.safetensors") == (path, COMMIT)


def test_another_revision_than_the_cached_one_is_not_taken_for_it(cache: Path) -> None:
    put(cache, "some/model", "weights.safetensors")
    with pytest.raises(ModelUnavailable):
        hub.fetch("m", "some/model", "weights.safetensors", "b" * 40)


def test_without_network_one_line_names_the_model_and_mini(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        load("clip-b32")
    message = str(caught.value)
    assert "clip-b32 (open_clip:ViT-B-32-256/datacomp_s34b_b86k)" in message
    assert "the model mini needs no download" in message
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "role", "small"),
    [
        ("blip-caption-base", "captioner", "mini-caption"),
        ("blip-itm-base", "pair-scorer", "mini-blip"),
        ("hf:llava-hf/llava-1.5-7b-hf", "dialogue", "mini-llava"),
    ],
)
def test_without_network_the_small_model_of_the_same_role_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, role: Any, small: str
) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", offline)
    with pytest.raises(ModelUnavailable, match=f"the model {small} needs no download"):
        fetch(name, role=role)


def test_a_damaged_file_of_the_cache_is_discarded_and_a_whole_one_kept(cache: Path) -> None:
    small, large = b"{}", b"weights"
    names = {
        "config.json": hashlib.sha1(b"blob 2\0" + small).hexdigest(),
        "model.safetensors": hashlib.sha256(large).hexdigest(),
    }
    blobs, folder = cache / "blobs", cache / "snapshots"
    blobs.mkdir(parents=True)
    folder.mkdir()
    for (name, digest), content in zip(names.items(), (small, large), strict=True):
        (blobs / digest).write_bytes(content)
        (folder / name).symlink_to(blobs / digest)
        hub.discard_damaged(folder / name)
        assert (folder / name).read_bytes() == content
        (blobs / digest).write_bytes(content[:-1])
        hub.discard_damaged(folder / name)
        assert not (folder / name).is_symlink() and not (blobs / digest).exists()
    plain = folder / "merges.txt"
    plain.write_text("not named by its content")
    hub.discard_damaged(plain)
    assert plain.is_file()


def test_a_file_that_the_repository_lacks_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: Any, **__: Any) -> None:
        raise errors.EntryNotFoundError("404")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lacking)
    with pytest.raises(hub.NotOffered):
        hub.fetch("m", "some/model", "weights.safetensors")


def test_an_answer_of_the_hub_is_passed_on_as_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def gated(*_: Any, **__: Any) -> None:
        error = errors.GatedRepoError.__new__(errors.GatedRepoError)
        error.response = SimpleNamespace(status_code=403)  # type: ignore[assignment]
        raise error

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", gated)
    with pytest.raises(ModelUnavailable, match="the hub answered 403 for some/model"):
        hub.fetch("m", "some/model", "weights.safetensors")


def test_a_download_that_breaks_off_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(commit_hash=COMMIT)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: found)
    with pytest.raises(ModelUnavailable, match="broke off the download"):
        hub.fetch("m", "some/model", "weights.safetensors")


def test_the_download_is_of_the_commit_that_the_hub_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def download(repository: str, file: str, revision: str) -> str:
        asked.append(revision)
        return str(put(cache, repository, file))

    found = SimpleNamespace(commit_hash=COMMIT)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: found)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    path, commit = hub.fetch("m", "some/model", "weights.safetensors")
    assert (asked, commit, path.name) == ([COMMIT], COMMIT, "weights.safetensors")


def test_a_ref_is_asked_of_the_hub_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repository: str, file: str, revision: str) -> str:
        return str(put(cache, repository, file))

    asked: list[str] = []

    def answer(address: str, **_: Any) -> SimpleNamespace:
        asked.append(address)
        return SimpleNamespace(commit_hash=COMMIT)

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", answer)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    for _ in range(2):
        path, commit = hub.fetch("m", "some/model", "config.json", "refs/pr/15")
        assert (path.name, commit) == ("config.json", COMMIT)
    assert len(asked) == 1


def test_the_library_may_speak_again_afterwards() -> None:
    before = logging.getLogger("huggingface_hub").level
    with pytest.raises(ModelUnavailable):
        hub.fetch("m", "some/model", "weights.safetensors")
    assert logging.getLogger("huggingface_hub").level == before


class Answers:
    """A hub that answers about a repository what it was given."""

    def __init__(self, sha: str | None, files: dict[str, int]) -> None:
        self.sha = sha
        self.siblings = [SimpleNamespace(rfilename=name, size=size) for name, size in files.items()]

    def model_info(self, *_: Any, **__: Any) -> "Answers":
        return self


def test_a_listing_gives_the_commit_and_the_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: Answers(COMMIT, {"config.json": 12}))
    assert hub.listing("m", "some/model") == hub.Listing(COMMIT, {"config.json": 12})


@pytest.mark.parametrize("answer", [Answers(None, {"a": 1}), Answers(COMMIT, {})])
def test_half_an_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch, answer: Answers) -> None:
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: answer)
    with pytest.raises(ModelUnavailable, match="answer about some/model is incomplete"):
        hub.listing("m", "some/model")


def test_a_download_tells_how_much_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repository: str, file: str, revision: str, tqdm_class: Any) -> str:
        with tqdm_class(total=10, initial=4, unit="B", desc=file) as bar:
            bar.update(5)
            bar.set_description("drawn nowhere")
            bar.update(1)
        return file

    told: list[int] = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    hub.download("m", "some/model", "weights.safetensors", COMMIT, told.append)
    assert told == [4, 5, 1]
