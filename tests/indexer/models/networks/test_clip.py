"""CLIP takes a text's vector where its end mark stands, as the configuration names it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from indexer.models import load
from storage.errors import BrokenModel
from tests.indexer.models import tiny_towers as tiny

END = 518  # of the tiny tokenizer
Rewrite = Callable[[Callable[[dict[str, Any]], object]], Path]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write("clip", tmp_path_factory.mktemp("clip"))


@pytest.fixture
def rewrite(origin: Path, tmp_path: Path) -> Rewrite:
    """Copy the tiny CLIP with another configuration of its text tower."""

    def changed(edit: Callable[[dict[str, Any]], object]) -> Path:
        folder = Path(shutil.copytree(origin, tmp_path / "clip"))
        config = json.loads((folder / "config.json").read_bytes())
        edit(config["text_config"])
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return changed


@pytest.mark.parametrize("end", [1, 3, END - 1, END + 1, 49407, [END]])
def test_an_end_mark_that_the_tokenizer_does_not_write_is_refused(
    rewrite: Rewrite, end: object
) -> None:
    folder = rewrite(lambda text: text.update(eos_token_id=end))
    with pytest.raises(BrokenModel, match="eos_token_id") as caught:
        load(str(folder), device="cpu")
    assert str(folder) in str(caught.value)
    if isinstance(end, int):
        assert f"is {end}, and its tokenizer ends a text with {END}" in str(caught.value)


def test_an_end_mark_that_is_left_to_the_library_is_refused_where_it_is_another(
    rewrite: Rewrite,
) -> None:
    with pytest.raises(BrokenModel, match="eos_token_id .* is 49407"):
        load(str(rewrite(lambda text: text.pop("eos_token_id"))), device="cpu")


def test_the_old_end_mark_is_the_largest_token_as_openai_published_it(
    rewrite: Rewrite, origin: Path
) -> None:
    folder = rewrite(lambda text: text.update(eos_token_id=2, bos_token_id=0, pad_token_id=1))
    texts = ["a red kite", "two blue circle"]
    old, new = (load(str(one), device="cpu").encode_texts(texts) for one in (folder, origin))
    np.testing.assert_allclose(old, new, atol=1e-6)


def test_the_old_end_mark_is_refused_where_another_token_is_larger(
    rewrite: Rewrite,
) -> None:
    folder = rewrite(lambda text: text.update(eos_token_id=2))
    written = json.loads((folder / "tokenizer.json").read_bytes())
    vocabulary = written["model"]["vocab"]
    vocabulary["a</w>"], vocabulary["<|endoftext|>"] = END, vocabulary["a</w>"]
    for added in written["added_tokens"]:
        added["id"] = vocabulary[added["content"]]
    marks = written["post_processor"]
    if "sep" in marks:
        marks["sep"][1] = vocabulary["<|endoftext|>"]
    (folder / "tokenizer.json").write_text(json.dumps(written))
    with pytest.raises(BrokenModel, match="eos_token_id"):
        load(str(folder), device="cpu")


@pytest.mark.parametrize(("end", "refused"), [(2, True), (END, False)])
def test_the_old_end_mark_is_refused_where_padding_is_a_larger_token(
    rewrite: Rewrite, end: int, refused: bool
) -> None:
    folder = rewrite(lambda text: text.update(eos_token_id=end, pad_token_id=END + 1))
    words = CLIPTokenizer.from_pretrained(folder)
    words.add_special_tokens({"pad_token": "[PAD]"})
    assert words.pad_token_id == END + 1
    words.save_pretrained(folder)
    if not refused:
        load(str(folder), device="cpu")
        return
    with pytest.raises(BrokenModel, match=f"the model {folder} gives a short text another vector"):
        load(str(folder), device="cpu")


def test_a_tokenizer_that_knows_no_word_is_refused(origin: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny.write("align", tmp_path / "new"), tmp_path / "align"))
    written = json.loads((folder / "tokenizer.json").read_bytes())
    marks = {token: number for token, number in written["model"]["vocab"].items() if number < 5}
    written["model"]["vocab"] = marks
    (folder / "tokenizer.json").write_text(json.dumps(written))
    with pytest.raises(BrokenModel, match=f"the model {folder} gives every text the same vector"):
        load(str(folder), device="cpu")
