"""Readers of random weights in the published layout, a few tens of kilobytes each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers.models.auto.image_processing_auto import AutoImageProcessor
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.models.bert.tokenization_bert import BertTokenizer
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.blip import BlipAnswerer, BlipCaptioner
from indexer.models.networks.instruct_blip import InstructBlip
from indexer.models.networks.llava import Llava
from indexer.models.protocols import Pixels

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]")
WORDS = "a red blue kite square circle two what colour is the of how many , . ? ' s".split()
TABLE = {token: number for number, token in enumerate((*SPECIALS, *WORDS))}
SPEAKING = {
    token: number
    for number, token in enumerate((*TABLE, "user", "assistant", ":", "</s>", "<image>"))
}
IMAGE = SPEAKING["<image>"]
SIDE, PATCH = 32, 16
TEXTS = ["a red kite", "two blue circle, the red square of a kite", "kite", ""]
QUESTIONS = [
    "what colour is the kite?",
    "how many?",
    "is a circle red?",
    "what colour is the kite?",
]
MINIS = Path(__file__).parents[3] / "indexer" / "models" / "mini"
# Wide enough that random weights prefer different tokens for different images.
SPREAD = 0.2

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "initializer_range": SPREAD,
}
TOWER = {**SMALL, "image_size": SIDE, "patch_size": PATCH}
PROCESSOR = {
    "image_processor_type": "BlipImageProcessor",
    "do_resize": True,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "size": {"height": SIDE, "width": SIDE},
    "resample": 3,
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.25, 0.3],
}


def images(count: int = 5, side: int = SIDE) -> Pixels:
    """Draw squares of coarse noise, each its own."""
    coarse = np.random.RandomState(5).randint(0, 256, (count, 4, 4, 3)).astype(np.uint8)
    return coarse.repeat(side // 4, axis=1).repeat(side // 4, axis=2)


def checkpoint(folder: Path) -> Checkpoint:
    """Point at a folder as the registry does."""
    config = json.loads((folder / "config.json").read_bytes())
    return Checkpoint("tiny", "0123456789abcdef", folder=folder, config=config)


def planes(folder: Path, pixels: Pixels) -> torch.Tensor:
    """Prepare squares with the library's own image processor."""
    prepared: torch.Tensor = image_processor(folder)(list(pixels), return_tensors="pt").pixel_values
    assert prepared.shape[2:] == pixels.shape[1:3]
    return prepared


def image_processor(folder: Path) -> Any:
    """Load the library's own image processor."""
    kind: Any = AutoImageProcessor
    return kind.from_pretrained(folder)


def library(kind: Any, folder: Path) -> Any:
    """Load the library's own class, in fp32."""
    return kind.from_pretrained(folder, dtype=torch.float32).eval()


def tokenizer(folder: Path) -> Any:
    """Load the library's own tokenizer."""
    return AutoTokenizer.from_pretrained(folder)


def words(most: int = 30) -> Any:
    """Build the tokenizer of the BERT-like models."""
    return BertTokenizer(vocab=TABLE, model_max_length=most)


def speaking_words(ends: bool = False) -> Any:
    """Build the tokenizer of a language model; T5's also ends what it is given."""
    made = Tokenizer(WordLevel(SPEAKING, unk_token="[UNK]"))
    made.normalizer = BertNormalizer(lowercase=True)
    made.pre_tokenizer = BertPreTokenizer()
    end = SPEAKING["</s>"]
    around = ("$A </s>", [("</s>", end)]) if ends else ("[CLS] $A", [("[CLS]", SPEAKING["[CLS]"])])
    made.post_processor = TemplateProcessing(single=around[0], special_tokens=around[1])
    build: Any = PreTrainedTokenizerFast
    return build(
        tokenizer_object=made,
        pad_token="[PAD]",
        unk_token="[UNK]",
        bos_token=None if ends else "[CLS]",
        eos_token="</s>",
        padding_side="left",
        extra_special_tokens={"image_token": "<image>"},
    )


def write(network: Any, folder: Path, tokenizer: Any, processor: dict[str, Any]) -> Path:
    """Save a network with its tokenizer and the processor's file."""
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def blip_config(**text: Any) -> Any:
    from transformers.models.blip.configuration_blip import BlipConfig

    return BlipConfig(
        vision_config=TOWER,
        text_config={
            **SMALL,
            "vocab_size": len(TABLE),
            "encoder_hidden_size": 32,
            "projection_dim": 24,
            "max_position_embeddings": 30,
            "bos_token_id": TABLE["[DEC]"],
            "eos_token_id": TABLE["[SEP]"],
            "sep_token_id": TABLE["[SEP]"],
            "pad_token_id": TABLE["[PAD]"],
            "is_decoder": True,
            **text,
        },
        projection_dim=24,
        image_text_hidden_size=24,
    )


def write_blip(kind: type, folder: Path, **text: Any) -> Path:
    """Write a BLIP of that class."""
    torch.manual_seed(3)
    return write(kind(blip_config(**text)), folder, words(), PROCESSOR)


def speech_config(kind: str) -> dict[str, Any]:
    """Describe a tiny language model: "llama", "opt" or "t5"."""
    common: dict[str, Any] = {
        "vocab_size": len(SPEAKING),
        "pad_token_id": SPEAKING["[PAD]"],
        "eos_token_id": SPEAKING["</s>"],
    }
    if kind == "t5":
        shape: dict[str, Any] = {
            "d_model": 32,
            "d_kv": 16,
            "d_ff": 48,
            "num_layers": 2,
            "num_heads": 2,
        }
        # T5 divides its drawn weights by the root of its width.
        spread = {"initializer_factor": 3.0, "num_layers": 2}
        start = {"decoder_start_token_id": SPEAKING["[PAD]"], "model_type": "t5"}
        return {**common, **shape, **spread, **start}
    ends = {"bos_token_id": SPEAKING["[CLS]"], "max_position_embeddings": 128}
    shape = {**SMALL, "init_std": SPREAD} if kind == "opt" else SMALL
    return {**common, **ends, **shape, "model_type": kind, "ffn_dim": 48, "word_embed_proj_dim": 32}


def write_instruct_blip(folder: Path, kind: str) -> Path:
    """Write an InstructBLIP that speaks with a language model of that kind."""
    qformer = {
        **SMALL,
        "vocab_size": len(TABLE),
        "encoder_hidden_size": 32,
        "max_position_embeddings": 40,
        "cross_attention_frequency": 1,
    }
    parts = {"vision_config": TOWER, "qformer_config": qformer, "num_query_tokens": 4}
    return _write_instruct_blip(folder, kind, SIDE, words(), parts)


def write_large_instruct_blip(folder: Path, kind: str) -> Path:
    """Write an InstructBLIP with the published Q-Former and images, the rest reduced."""
    tower = {**SMALL, "hidden_size": 256, "image_size": 224, "patch_size": 14}
    return _write_instruct_blip(folder, kind, 224, words(512), {"vision_config": tower})


def _write_instruct_blip(
    folder: Path, kind: str, side: int, qformer_words: Any, parts: dict[str, Any]
) -> Path:
    from transformers.models.instructblip.configuration_instructblip import InstructBlipConfig
    from transformers.models.instructblip.modeling_instructblip import (
        InstructBlipForConditionalGeneration,
    )

    config = InstructBlipConfig(text_config=speech_config(kind), image_token_index=IMAGE, **parts)
    torch.manual_seed(3)
    network: Any = InstructBlipForConditionalGeneration(config)
    network.query_tokens.data.normal_()
    processor = {**PROCESSOR, "size": {"height": side, "width": side}}
    write(network, folder, speaking_words(ends=kind == "t5"), processor)
    qformer_words.save_pretrained(folder / "qformer_tokenizer")
    return folder


def write_llava(folder: Path, side: int = SIDE, patch: int = PATCH, **config: Any) -> Path:
    """Write a LLaVA with CLIP's tower and a Llama."""
    from transformers.models.llava.configuration_llava import LlavaConfig
    from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration

    settings: dict[str, Any] = {
        "vision_config": {
            **TOWER,
            "image_size": side,
            "patch_size": patch,
            "model_type": "clip_vision_model",
            "projection_dim": 32,
        },
        "text_config": {
            **speech_config("llama"),
            "max_position_embeddings": 2048 if side > SIDE else 128,
        },
        "image_token_index": IMAGE,
        "vision_feature_layer": -2,
    }
    torch.manual_seed(3)
    network: Any = LlavaForConditionalGeneration(LlavaConfig(**{**settings, **config}))
    processor = {
        **PROCESSOR,
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": side},
        "crop_size": {"height": side, "width": side},
        "do_center_crop": True,
    }
    return write(network, folder, speaking_words(), processor)


def write_full_blip(kind: type, folder: Path, side: int = 384) -> Path:
    """Write a BLIP of the published base size, with random weights."""
    from transformers.models.blip.configuration_blip import BlipConfig

    torch.manual_seed(0)
    network = kind(BlipConfig(vision_config={"image_size": side, "initializer_range": 0.02}))
    processor = {**PROCESSOR, "size": {"height": side, "width": side}}
    return write(network, folder, words(512), processor)


def copied(origin: Path, folder: Path) -> Path:
    """Copy a checkpoint, so that a test may spoil it."""
    for path in origin.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(origin)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


def count_features(scorer: Any, patch: pytest.MonkeyPatch) -> list[int]:
    """Keep of how many images a scorer computes the features at a time."""
    counts: list[int] = []
    features = scorer._image_features

    def watched(pixel_values: torch.Tensor) -> torch.Tensor:
        counts.append(len(pixel_values))
        return cast(torch.Tensor, features(pixel_values))

    patch.setattr(scorer, "_image_features", watched)
    return counts


def generated(network: Any, most: int, **inputs: Any) -> torch.Tensor:
    """Generate token ids greedily with the library's own class."""
    tokens: torch.Tensor = network.generate(
        **inputs, do_sample=False, num_beams=1, max_new_tokens=most
    )
    return tokens


def watch(reader: Any, patch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """Keep the token ids that a reader generates."""
    made: list[torch.Tensor] = []
    tokens = reader._tokens

    def watched(*arguments: Any) -> torch.Tensor:
        made.append(tokens(*arguments))
        return made[-1]

    patch.setattr(reader, "_tokens", watched)
    return made


def ended(ids: torch.Tensor, end: int) -> list[list[int]]:
    """Cut generated ids behind the first end token, or before padding, for comparison."""
    rows = []
    for row in ids.tolist():
        kept = row[: row.index(end) + 1] if end in row else row
        while kept and kept[-1] == TABLE["[PAD]"]:
            kept = kept[:-1]
        rows.append(kept)
    return rows


@contextmanager
def quick(limit: int) -> Iterator[None]:
    """Run on one thread, and let models that never end say little: tokens of one text.

    Models this small gain nothing from threads, and on a busy machine lose much to them.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        for kind in (BlipCaptioner, BlipAnswerer, InstructBlip, Llava):
            patch.setattr(kind, "max_new_tokens", limit)
        yield
    torch.set_num_threads(before)
