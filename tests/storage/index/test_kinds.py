"""A kind is one class: registered by a line it builds, searches and is chosen by name."""

import json
from pathlib import Path
from typing import Any, Self

import faiss
import pytest
from click.testing import CliRunner, Result

import sightline
from cli.main import cli
from storage import Library
from storage.errors import InvalidArgument
from storage.fork import fork_safe
from storage.index import kinds
from storage.index.faiss_index import FaissIndex, map_index, selector
from storage.records import Matrix
from storage.tables.vectors import Ids


class HnswIndex(FaissIndex):
    """A graph of near rows (Malkov and Yashunin 2018), rows in 32-bit floats."""

    name = "hnsw"
    codes = "fp32"
    oversample = 1

    def __init__(self, index: Any) -> None:
        super().__init__(index)
        graph: Any = faiss.downcast_index(index.index)
        self._graph = graph.hnsw

    @classmethod
    def sample_size(cls, rows: int) -> int:
        return 0

    @classmethod
    def create(cls, dimension: int, rows: int, sample: Matrix) -> Self:
        return cls(faiss.IndexIDMap(faiss.IndexHNSWFlat(dimension, 16, faiss.METRIC_INNER_PRODUCT)))

    @classmethod
    def open(cls, path: Path) -> Self:
        return cls(map_index(path, 0))

    def probe_more(self) -> bool:
        self._graph.efSearch *= 2
        return bool(self._graph.efSearch < 2 * self._index.ntotal)

    @fork_safe
    def search(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids
    ) -> tuple[Ids, Matrix]:
        allowed = selector(included, excluded)
        effort = max(k, self._graph.efSearch)
        options = faiss.SearchParametersHNSW(sel=allowed, efSearch=effort)  # type: ignore[attr-defined]
        scores, ids = self._index.search(queries, k, params=options)
        return ids, scores


@pytest.fixture
def hnsw(monkeypatch: pytest.MonkeyPatch) -> str:
    """Register the class above as a kind."""
    monkeypatch.setattr(kinds, "KINDS", {**kinds.KINDS, "hnsw": f"{__name__}:HnswIndex"})
    return "hnsw"


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def chosen(library: Library) -> dict[str, str]:
    """Return the index kind by the kind of the vectors."""
    return {build.kind: build.index_kind for build in library.status().builds}


@pytest.mark.parametrize("name", kinds.KINDS)
def test_a_kind_is_stored_under_the_name_by_which_it_is_found(name: str) -> None:
    assert kinds.load_kind(name).name == name


def test_only_a_kind_with_lists_is_joined_list_by_list(hnsw: str) -> None:
    assert {name for name in (*kinds.KINDS, "of tomorrow") if kinds.keeps_lists(name)} == {"ivf"}


def test_a_third_kind_builds_and_answers_through_the_front_door(
    hnsw: str, tmp_path: Path, photos: Path
) -> None:
    with sightline.open(tmp_path / "library") as opened:
        opened.index(photos, model="stand-in")
        plain = opened.search("sea", k=5)
        assert chosen(opened.library) == {}  # too few for an index to be worth while
        opened.index(photos, index_kind=hnsw)
        assert set(chosen(opened.library).values()) == {"hnsw"}
        hits = opened.search("sea", k=5)
        assert [hit.item.id for hit in hits] == [hit.item.id for hit in plain]
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in plain], abs=1e-3)
        assert hits.notices == ()


def test_a_third_kind_is_chosen_on_the_command_line(
    hnsw: str, tmp_path: Path, photos: Path
) -> None:
    library = ["--library", str(tmp_path / "library"), "--json"]
    words = ["index", str(photos), "--model", "stand-in", "--index-kind", hnsw]
    assert run(*words, *library).exit_code == 0
    [build] = json.loads(run("status", *library).stdout)["builds"]
    assert (build["index"], build["count"]) == ("hnsw", 6)
    assert len(run("search", "sea", *library).stdout.splitlines()) == 6


def test_a_chosen_kind_is_kept_until_another_is_chosen(tmp_path: Path, photos: Path) -> None:
    with sightline.open(tmp_path / "kept") as opened:
        opened.index(photos, model="stand-in", index_kind="ivf")
        made = opened.status().builds
        assert [build.index_kind for build in made] == ["ivf"]
        opened.index()
        opened.index(index_kind="ivf")
        assert opened.status().builds == made  # nothing to do
        (opened.library.paths.index / made[0].file).unlink()
        assert "made again" in opened.search("sea").notices[0]
        assert chosen(opened.library) == {"image": "ivf"}
        opened.index(index_kind="auto")
        assert chosen(opened.library) == {"image": "exact"}
        assert opened.status().builds[0].parameters == {"codes": "fp16", "recall_at": 10}


def test_a_library_of_a_kind_that_is_not_known_answers_by_another(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sightline.open(tmp_path / "later") as opened, monkeypatch.context() as later:
        later.setattr(kinds, "KINDS", {**kinds.KINDS, "hnsw": f"{__name__}:HnswIndex"})
        opened.index(photos, model="stand-in", index_kind="hnsw")
    with sightline.open(tmp_path / "later") as opened:
        hits = opened.search("sea", k=6)
        assert len(hits) == 6 and "this version does not know" in hits.notices[0]
        assert chosen(opened.library) == {"image": "exact"}


def test_a_kind_that_is_misspelt_is_refused_before_anything_is_made(
    tmp_path: Path, photos: Path, library: Library
) -> None:
    place = tmp_path / "none"
    words = ["index", str(photos), "--model", "stand-in", "--index-kind", "hsnw"]
    refused = run(*words, "--library", str(place))
    assert refused.exit_code != 0 and "choose one of auto, exact, ivf" in refused.stderr
    assert not place.exists()
    with pytest.raises(InvalidArgument, match="there is no index kind 'hsnw'"):
        library.refresh_builds(1, "hsnw")
