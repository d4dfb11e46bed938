"""The architecture in an open_clip configuration, with that library's own defaults."""

from collections.abc import Iterator, Mapping
from typing import Any

from indexer.models.files.reason import short_reason
from storage.errors import BrokenModel

Rows = tuple[tuple[str, str], ...]
# Of open_clip's CLIPVisionCfg and CLIPTextCfg; a test compares them.
VISION: Mapping[str, Any] = {
    "layers": 12,
    "width": 768,
    "head_width": 64,
    "mlp_ratio": 4.0,
    "patch_size": 16,
    "image_size": 224,
}
TEXT: Mapping[str, Any] = {
    "context_length": 77,
    "vocab_size": 49408,
    "width": 512,
    "heads": 8,
    "layers": 12,
    "mlp_ratio": 4.0,
}
_NORM_EPS = 1e-5  # of torch, where a configuration names none


def towers(network: Mapping[str, Any], where: str) -> list[tuple[str, Rows]]:
    """Return the sections of a `model_cfg`: vision, text and the space they share.

    Raises BrokenModel naming `where` for one that holds something else than a network's shape.
    """
    try:
        return list(_sections(network))
    except Exception as error:
        # What a table of any content makes arithmetic and timm raise.
        reason = short_reason(error)
        raise BrokenModel(f"{where} does not describe two towers: {reason}") from None


def _sections(network: Mapping[str, Any]) -> Iterator[tuple[str, Rows]]:
    vision, text = network.get("vision_cfg") or {}, network.get("text_cfg") or {}
    quick = bool(network.get("quick_gelu"))
    if vision.get("timm_model_name"):
        yield "vision", _from_timm(str(vision["timm_model_name"]), vision)
    else:
        yield "vision", _vision({**VISION, **vision}, quick)
    yield "text", _text({**TEXT, **text}, quick)
    yield "joined by", (("common space", f"{network.get('embed_dim')} wide"),)


def _vision(config: Mapping[str, Any], quick: bool) -> Rows:
    layers, width = config["layers"], config["width"]
    if isinstance(layers, (list, tuple)):  # a ResNet, of so many blocks in each of its stages
        return (
            ("blocks", " + ".join(str(stage) for stage in layers)),
            ("width", str(width)),
            ("image", _square(config["image_size"])),
        )
    rows = [
        ("layers", str(layers)),
        ("width", str(width)),
        ("heads", str(width // config["head_width"])),
        ("feed-forward width", str(int(width * config["mlp_ratio"]))),
        ("activation", _activation(config, quick)),
        ("norm eps", f"{(config.get('norm_kwargs') or {}).get('eps', _NORM_EPS):g}"),
        ("patch", _square(config["patch_size"])),
        ("image", _square(config["image_size"])),
    ]
    size, patch = config["image_size"], config["patch_size"]
    if isinstance(size, int) and isinstance(patch, int):
        rows.append(("tokens", f"{(size // patch) ** 2} patches + 1"))
    return tuple(rows)


def _from_timm(name: str, config: Mapping[str, Any]) -> Rows:
    # The configuration names the network alone; on the meta device it is built without weights.
    import timm
    import torch

    with torch.device("meta"):
        built: Any = timm.create_model(name, pretrained=False)
    rows = [("timm network", name)]
    if isinstance(built, (timm.models.VisionTransformer, timm.models.Eva)):
        first: Any = built.blocks[0]
        rows += [
            ("layers", str(len(built.blocks))),
            ("width", str(built.embed_dim)),
            ("heads", str(first.attn.num_heads)),
            ("activation", type(getattr(first.mlp, "act", first.mlp)).__name__),
            ("norm eps", f"{first.norm1.eps:g}"),
            ("patch", _square(built.patch_embed.patch_size)),
        ]
    side = config.get("image_size") or built.default_cfg["input_size"][-1]
    return (*rows, ("image", _square(side)), ("pooling", str(config.get("timm_pool") or "none")))


def _text(config: Mapping[str, Any], quick: bool) -> Rows:
    if config.get("hf_model_name"):
        return (("transformers network", str(config["hf_model_name"])),)
    tokenizer = config.get("hf_tokenizer_name")
    rows = [
        ("layers", str(config["layers"])),
        ("width", str(config["width"])),
        ("heads", str(config["heads"])),
        ("feed-forward width", str(int(config["width"] * config["mlp_ratio"]))),
        ("activation", _activation(config, quick)),
        ("norm eps", f"{(config.get('norm_kwargs') or {}).get('eps', _NORM_EPS):g}"),
        ("vocabulary", f"{config['vocab_size']:,} tokens"),
        ("positions", str(config["context_length"])),
    ]
    if tokenizer:
        return (*rows, ("tokenizer", str(tokenizer)))
    start = config["vocab_size"] - 2
    return (*rows, ("special tokens", f"start {start}, end {start + 1}"))


def _activation(config: Mapping[str, Any], quick: bool) -> str:
    approximate = (config.get("act_kwargs") or {}).get("approximate")
    return "quick_gelu" if quick else f"gelu_{approximate}" if approximate else "gelu"


def _square(side: Any) -> str:
    sides = side if isinstance(side, (list, tuple)) else (side, side)
    return f"{sides[0]} × {sides[1]} pixels"
