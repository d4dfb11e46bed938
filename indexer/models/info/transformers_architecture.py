"""The architecture in a configuration of the transformers library, with its classes' defaults.

The library writes into `config.json` only what differs from the class, so the file alone would
leave out the ordinary.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from indexer.models.families import Family, image_tower
from indexer.models.files.reason import short_reason
from indexer.models.files.safe_json import read_json
from indexer.models.runtime.logs import muted
from storage.errors import BrokenModel

Rows = tuple[tuple[str, str], ...]
# A label, and the attributes that hold it in one family or another.
_TRANSFORMER = (
    ("layers", ("num_hidden_layers",)),
    ("decoder layers", ("num_decoder_layers",)),
    ("width", ("hidden_size",)),
    ("heads", ("num_attention_heads",)),
    ("key and value heads", ("num_key_value_heads",)),
    ("feed-forward width", ("intermediate_size", "d_ff", "ffn_dim")),
    ("activation", ("hidden_act", "feed_forward_proj", "activation_function")),
    ("norm eps", ("layer_norm_eps", "rms_norm_eps", "layer_norm_epsilon", "batch_norm_eps")),
)
_CONVOLUTION = (
    ("blocks", ("num_hidden_layers",)),
    ("width coefficient", ("width_coefficient",)),
    ("depth coefficient", ("depth_coefficient",)),
    ("width", ("hidden_dim",)),
    ("activation", ("hidden_act",)),
    ("norm eps", ("batch_norm_eps",)),
    ("pooling", ("pooling_type",)),
)
_SPECIAL = ("bos", "eos", "pad", "sep", "decoder_start")


def blueprint(
    table: Mapping[str, Any], family: Family, names: Mapping[int, str], where: str
) -> list[tuple[str, Rows]]:
    """Return the sections of a configuration: vision, text, what joins them.

    `names` are the words of special tokens. Raises BrokenModel, naming `where`, for a table that
    the library's class refuses, or that holds something else than a network's shape.
    """
    try:
        module, _, name = family.config.partition(":")
        with muted("transformers"):
            config: Any = getattr(import_module(module), name).from_dict(dict(table))
        return list(_sections(config, family, names))
    except Exception as error:
        # The library's classes let most things pass, and refuse the rest in ways of their own.
        reason = short_reason(error)
        raise BrokenModel(f"{where} does not describe a {family.architecture}: {reason}") from None


def _sections(config: Any, family: Family, names: Mapping[int, str]) -> Iterator[tuple[str, Rows]]:
    yield "vision", _vision(config.vision_config)
    yield "text", _text(config.text_config, names)
    if "qformer_config" in family.parts:
        yield "Q-Former", _qformer(config)
    yield "joined by", _joined(config, family, names)


def token_names(folder: Path) -> dict[int, str]:
    """Read the words behind a tokenizer's numbers; none where it has no `tokenizer.json`.

    Raises BrokenModel for a file that is no tokenizer's.
    """
    path = folder / "tokenizer.json"
    table = read_json(path) if path.is_file() else {}
    try:
        words = (table.get("model") or {}).get("vocab") or {}
        if isinstance(words, list):  # each with its likelihood
            words = {one[0]: number for number, one in enumerate(words)}
        names = {number: word for word, number in words.items()}
        return names | {one["id"]: one["content"] for one in table.get("added_tokens") or ()}
    except (AttributeError, TypeError, KeyError, IndexError):
        raise BrokenModel(f"{path} is not a tokenizer's table") from None


def _vision(config: Any) -> Rows:
    tower = image_tower(config.model_type)
    if tower.convolutional:
        return (*_picked(config, _CONVOLUTION), ("image", _square(config.image_size)))
    size, patch = config.image_size, config.patch_size
    own = f" + {tower.class_tokens}" if tower.class_tokens else ""
    return (
        *_picked(config, _TRANSFORMER),
        ("patch", _square(patch)),
        ("image", _square(size)),
        ("tokens", f"{(size // patch) ** 2} patches{own}"),
    )


def _text(config: Any, names: Mapping[int, str]) -> Rows:
    rows = [("kind", str(config.model_type)), *_picked(config, _TRANSFORMER)]
    rows.append(("vocabulary", f"{config.vocab_size:,} tokens"))
    positions = getattr(config, "max_position_embeddings", None)
    buckets = getattr(config, "relative_attention_num_buckets", None)
    if positions:
        rows.append(("positions", f"{positions:,}"))
    elif buckets:
        rows.append(("positions", f"relative, {buckets} buckets"))
    special = _special(config, names)
    return (*rows, *([("special tokens", special)] if special else []))


def _special(config: Any, names: Mapping[int, str]) -> str:
    numbers = {
        kind: number
        for kind in _SPECIAL
        if isinstance(number := getattr(config, f"{kind}_token_id", None), int)
    }
    return ", ".join(
        f"{kind.replace('_', ' ')} {number} {names.get(number, '')}".strip()
        for kind, number in numbers.items()
    )


def _qformer(config: Any) -> Rows:
    former = config.qformer_config
    return (
        ("queries", str(config.num_query_tokens)),
        *_picked(former, _TRANSFORMER),
        ("cross-attention", f"every {former.cross_attention_frequency} layers"),
        ("sees", f"{former.encoder_hidden_size} wide"),
        ("vocabulary", f"{former.vocab_size:,} tokens"),
        ("positions", f"{former.max_position_embeddings:,}"),
    )


def _joined(config: Any, family: Family, names: Mapping[int, str]) -> Rows:
    """Return what brings images and words together."""
    number: Any = getattr(config, "image_token_index", None)
    told = {"config": config, "image_token": f"{number} {names.get(number, '')}".strip()}
    return tuple((label, template.format(**told)) for label, template in family.joined)


def _picked(config: Any, wanted: Iterable[tuple[str, tuple[str, ...]]]) -> Rows:
    rows = []
    for label, attributes in wanted:
        values = (getattr(config, attribute, None) for attribute in attributes)
        value = next((value for value in values if value is not None), None)
        if value is not None:
            rows.append((label, f"{value:g}" if isinstance(value, float) else str(value)))
    return tuple(rows)


def _square(side: Any) -> str:
    sides = side if isinstance(side, (list, tuple)) else (side, side)
    return f"{sides[0]} × {sides[1]} pixels"
