import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from indexer.models.mini.training.checkpoint import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    build_clip,
    clip_config,
    save_clip,
)


def test_weights_are_stored_whole_as_float16_in_under_six_megabytes(tmp_path: Path) -> None:
    state = build_clip().state_dict()
    save_clip(state, tmp_path)
    stored = load_file(tmp_path / WEIGHTS_NAME)
    assert stored.keys() == state.keys()
    assert "logit_scale" in stored
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    assert (tmp_path / WEIGHTS_NAME).stat().st_size < 6_000_000


def test_the_configuration_names_no_path_outside_its_directory(tmp_path: Path) -> None:
    save_clip(build_clip().state_dict(), tmp_path)
    config = json.loads((tmp_path / CONFIG_NAME).read_text())
    assert config == clip_config()
    bpe = Path(config["model_cfg"]["text_cfg"]["tokenizer_kwargs"]["bpe_path"])
    assert not bpe.is_absolute()
    assert (tmp_path / bpe).is_file()


def test_the_same_torch_seed_gives_the_same_fresh_weights() -> None:
    torch.manual_seed(3)
    first = build_clip().state_dict()
    torch.manual_seed(3)
    assert all(torch.equal(first[name], each) for name, each in build_clip().state_dict().items())
