"""Full-size towers with random weights, saved as local directories: for speed, not for meaning."""

import json
from pathlib import Path

import torch
from open_clip import CLIP, get_model_config  # type: ignore[import-untyped]
from safetensors.torch import save_file

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


def random_tower(folder: Path, arch: str = "ViT-B-32", seed: int = 0) -> Path:
    """Save an open_clip architecture with seeded random weights and return its directory."""
    torch.manual_seed(seed)
    config = get_model_config(arch)
    model = CLIP(**config)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), str(folder / "open_clip_model.safetensors"))
    preprocess = {
        "size": model.visual.image_size[0],
        "mean": list(_MEAN),
        "std": list(_STD),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    written = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(written))
    return folder
