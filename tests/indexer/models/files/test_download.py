"""A repository of the hub that is a folder here: what is fetched, in which order, and resumed."""

import json
from pathlib import Path

import pytest

from indexer.models import pull
from indexer.models.files import download, hub
from indexer.models.files.checkpoint import from_hub
from storage.errors import BrokenModel, ModelUnavailable, UnsafeWeights

COMMIT = "c" * 40
FILES = {
    "config.json": json.dumps({"architectures": ["CLIPModel"]}),
    "preprocessor_config.json": "{}",
    "tokenizer.json": "{}",
    "vocab.json": "{}",
    "merges.txt": "",
    "README.md": "a card",
    "pytorch_model.bin": "a pickle",
    "tf_model.h5": "another",
    "modeling_own.py": "import os",
    "onnx/config.json": "{}",
    "model.safetensors": "weights",
}


class Hub:
    """Stands where the network and the cache are; breaks off at a file if told to."""

    def __init__(self, cache: Path, files: dict[str, str]) -> None:
        self.cache = cache / COMMIT
        self.files = files
        self.breaks_at = ""
        self.fetched: list[str] = []
        self.listings = 0
        self.refs: dict[str, str] = {}

    def cached(self, _: str, file: str, revision: str = "") -> Path | None:
        path = self.cache / file
        known = self.refs.get(revision, revision)
        return path if path.is_file() and known in ("", COMMIT) else None

    def remember(self, _: str, revision: str, commit: str) -> None:
        self.refs[revision] = commit

    def listing(self, *_: str) -> hub.Listing:
        self.listings += 1
        return hub.Listing(COMMIT, {name: len(text) for name, text in self.files.items()})

    def download(
        self, model: str, _: str, file: str, commit: str, arrived: hub.Arrived | None = None
    ) -> Path:
        assert commit == COMMIT
        if file == self.breaks_at:
            raise ModelUnavailable(f"the hub broke off the download of {model}")
        self.fetched.append(file)
        if arrived is not None:
            arrived(0)
            arrived(len(self.files[file]))
        path = self.cache / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.files[file])
        return path


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A repository of CLIP on a hub of one's own."""
    one = Hub(tmp_path, dict(FILES))
    for name in ("cached", "listing", "download", "remember"):
        monkeypatch.setattr(hub, name, getattr(one, name))
    return one


def test_only_what_a_model_needs_is_fetched_and_the_weights_last(there: Hub) -> None:
    folder = download.download("clip", "some/clip")
    assert folder.name == COMMIT
    assert there.fetched[0] == "config.json"
    assert there.fetched[-1] == "model.safetensors"
    assert set(there.fetched) == set(FILES) - {
        "README.md", "pytorch_model.bin", "tf_model.h5", "modeling_own.py", "onnx/config.json"
    }  # fmt: skip


def test_what_is_here_whole_asks_nothing(there: Hub) -> None:
    download.download("clip", "some/clip")
    there.listings = 0
    checkpoint = from_hub("hf:some/clip", "some/clip")
    assert there.listings == 0
    assert checkpoint.revision == COMMIT
    assert checkpoint.config == {"architectures": ["CLIPModel"]}
    assert [path.name for path in checkpoint.weight_files()] == ["model.safetensors"]


def test_a_ref_is_recorded_as_its_commit_and_found_again_without_the_hub(there: Hub) -> None:
    first = from_hub("hf:some/clip", "some/clip", "refs/pr/15")
    assert (first.revision, there.listings) == (COMMIT, 1)
    assert from_hub("hf:some/clip", "some/clip", "refs/pr/15") == first
    assert there.listings == 1


def test_a_fetch_that_broke_off_is_gone_on_with(there: Hub) -> None:
    there.breaks_at = "model.safetensors"
    with pytest.raises(ModelUnavailable, match="broke off"):
        download.download("clip", "some/clip")
    assert download.complete_folder("some/clip") is None
    there.breaks_at, there.fetched = "", []
    download.download("clip", "some/clip")
    assert there.fetched == ["model.safetensors"]


def test_what_is_damaged_is_fetched_again_when_it_is_pulled(
    there: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.files["model.safetensors"] = "\2" + "\0" * 7 + "{}"
    download.download("clip", "some/clip")
    there.fetched = []

    def discard(path: Path) -> None:
        if path.name in ("model.safetensors", "config.json"):
            path.unlink()

    monkeypatch.setattr(hub, "discard_damaged", lambda _: None)
    assert pull("hf:some/clip").revision == COMMIT
    assert there.fetched == []
    monkeypatch.setattr(hub, "discard_damaged", discard)
    pull("hf:some/clip")
    assert there.fetched == ["config.json", "model.safetensors"]


def test_weights_in_several_files_are_all_fetched_and_counted_together(there: Hub) -> None:
    del there.files["model.safetensors"]
    shards = {"model-00001-of-00002.safetensors": "abc", "model-00002-of-00002.safetensors": "de"}
    index = {"weight_map": dict(zip("xyz", [*shards, next(iter(shards))], strict=True))}
    there.files |= {**shards, "model.safetensors.index.json": json.dumps(index)}
    told: list[download.DownloadProgress] = []
    folder = download.download("clip", "some/clip", watch=told.append)
    assert there.fetched[-2:] == list(shards)
    assert told[-1] == download.DownloadProgress("model-00002-of-00002.safetensors", 5, 5)
    assert [step.done for step in told] == sorted(step.done for step in told)
    assert download.complete_folder("some/clip") == folder
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert download.complete_folder("some/clip") is None


@pytest.mark.parametrize(
    "named",
    [{}, [], {"a": "../../x.safetensors"}, {"a": 5}, {"a": "x"}, {"a": "pytorch_model.bin"}],
)
def test_an_index_that_leads_elsewhere_is_a_broken_model(there: Hub, named: object) -> None:
    del there.files["model.safetensors"]
    there.files["model.safetensors.index.json"] = json.dumps({"weight_map": named})
    with pytest.raises(BrokenModel, match=r"model\.safetensors\.index\.json"):
        download.download("clip", "some/clip")


def test_a_repository_of_pickles_is_refused_before_anything_is_fetched(there: Hub) -> None:
    del there.files["model.safetensors"]
    with pytest.raises(UnsafeWeights, match=r"no model\.safetensors .*hf:some/clip@refs/pr/NUMBER"):
        download.download("clip", "some/clip")
    assert there.fetched == []


def test_code_asked_for_is_refused_before_the_weights(there: Hub) -> None:
    there.files["tokenizer_config.json"] = json.dumps({"auto_map": {"AutoTokenizer": "own.Own"}})
    with pytest.raises(UnsafeWeights, match=r"tokenizer_config\.json asks for code of its own"):
        download.download("clip", "some/clip")
    assert "model.safetensors" not in there.fetched


def test_an_architecture_without_a_loader_is_refused_after_one_small_file(there: Hub) -> None:
    there.files["config.json"] = json.dumps({"architectures": ["T5Model"]})
    with pytest.raises(BrokenModel, match="T5Model is not supported"):
        download.download("t5", "some/t5")
    assert there.fetched == ["config.json"]


def test_a_repository_without_a_configuration_is_a_broken_model(there: Hub) -> None:
    del there.files["config.json"]
    with pytest.raises(BrokenModel, match=r"some/clip has no config\.json"):
        download.download("clip", "some/clip")
