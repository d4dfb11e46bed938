"""Dual encoders of random weights in the published layout, and drawn images of odd sizes."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers.models.bert.tokenization_bert import BertTokenizer

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TABLE = {
    token: number
    for number, token in enumerate((*SPECIALS, *"a red blue kite circle two of the".split()))
}
CONTEXT = 12  # tokens
TEXTS = ["a red kite", "two blue circle of the red kite", "", "kite " * 40]
WIDE = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2}
DEEP = {**WIDE, "num_hidden_layers": 2, "initializer_range": 0.2}
FAMILIES = ("clip", "align", "blip", "siglip")


def drawings() -> list[Image.Image]:
    """Draw coarse noise of several sizes, so that every crop has an odd pixel somewhere."""
    generator = np.random.RandomState(3)
    sizes = [(90, 60), (33, 80), (64, 64), (200, 51), (31, 31), (129, 96), (97, 40)]
    coarse = [generator.randint(0, 256, (6, 6, 3)).astype(np.uint8) for _ in sizes]
    return [
        Image.fromarray(one).resize(size, Image.Resampling.BILINEAR)
        for one, size in zip(coarse, sizes, strict=True)
    ]


def write(family: str, folder: Path) -> Path:
    """Write a tiny model of a family: config, weights, image processor and tokenizer."""
    torch.manual_seed(3)
    network, images = _NETWORKS[family]()
    network.save_pretrained(folder)
    words = _WORDS.get(family, lambda: BertTokenizer(vocab=TABLE))()
    words.model_max_length = CONTEXT
    _processor(family)(images, words).save_pretrained(folder)
    return folder


def _clip() -> tuple[Any, Any]:
    from transformers.models.clip.configuration_clip import CLIPConfig
    from transformers.models.clip.image_processing_clip import CLIPImageProcessor
    from transformers.models.clip.modeling_clip import CLIPModel

    config = CLIPConfig(
        text_config={
            **DEEP,
            "max_position_embeddings": CONTEXT,
            "vocab_size": 520,
            "bos_token_id": 517,
            "eos_token_id": 518,
            "pad_token_id": 518,
        },
        vision_config={**DEEP, "image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    images = CLIPImageProcessor(size={"shortest_edge": 37}, crop_size={"height": 32, "width": 32})
    return CLIPModel(config), images


def _align() -> tuple[Any, Any]:
    from transformers.models.align.configuration_align import AlignConfig
    from transformers.models.align.modeling_align import AlignModel
    from transformers.models.efficientnet.image_processing_efficientnet import (
        EfficientNetImageProcessor,
    )

    config = AlignConfig(
        text_config={**DEEP, "vocab_size": len(TABLE), "max_position_embeddings": CONTEXT},
        vision_config={
            "image_size": 32,
            "width_coefficient": 1.0,
            "depth_coefficient": 1.0,
            "in_channels": [32, 16],
            "out_channels": [16, 24],
            "kernel_sizes": [3, 3],
            "strides": [1, 2],
            "num_block_repeats": [1, 1],
            "expand_ratios": [1, 2],
            "hidden_dim": 24,
            "initializer_range": 0.2,
        },
        projection_dim=24,
    )
    # As published: no normalisation, bytes brought to -1 to 1 by a factor and an offset.
    images = EfficientNetImageProcessor(
        size={"height": 39, "width": 39},
        crop_size={"height": 32, "width": 32},
        do_center_crop=True,
        do_normalize=False,
        rescale_factor=1 / 127.5,
        rescale_offset=True,
        include_top=False,
        resample=2,
    )
    return AlignModel(config), images


def _blip() -> tuple[Any, Any]:
    from transformers.models.blip.configuration_blip import BlipConfig
    from transformers.models.blip.image_processing_blip import BlipImageProcessor
    from transformers.models.blip.modeling_blip import BlipForImageTextRetrieval

    config = BlipConfig(
        text_config={
            **DEEP,
            "encoder_hidden_size": 32,
            "vocab_size": len(TABLE),
            "max_position_embeddings": CONTEXT,
            "bos_token_id": 2,
            "eos_token_id": 3,
            "sep_token_id": 3,
        },
        vision_config={**DEEP, "image_size": 32, "patch_size": 8},
        image_text_hidden_size=24,
    )
    return BlipForImageTextRetrieval(config), BlipImageProcessor(size={"height": 32, "width": 32})


def _siglip() -> tuple[Any, Any]:
    from transformers.models.siglip.configuration_siglip import SiglipConfig
    from transformers.models.siglip.image_processing_siglip import SiglipImageProcessor
    from transformers.models.siglip.modeling_siglip import SiglipModel

    config = SiglipConfig(
        text_config={
            **DEEP,
            "vocab_size": len(TABLE),
            "max_position_embeddings": CONTEXT,
            "projection_size": 32,
            "bos_token_id": None,
            "eos_token_id": 3,
            "pad_token_id": 0,
        },
        vision_config={**DEEP, "image_size": 32, "patch_size": 8},
    )
    return SiglipModel(config), SiglipImageProcessor(size={"height": 32, "width": 32})


def _processor(family: str) -> Any:
    from transformers.models.align.processing_align import AlignProcessor
    from transformers.models.blip.processing_blip import BlipProcessor
    from transformers.models.clip.processing_clip import CLIPProcessor
    from transformers.models.siglip.processing_siglip import SiglipProcessor

    kinds = {"clip": CLIPProcessor, "align": AlignProcessor, "blip": BlipProcessor}
    return kinds.get(family, SiglipProcessor)


def _clip_words() -> Any:
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    letters = [chr(code) for code in [*range(33, 127), *range(161, 173), *range(174, 256)]]
    letters += [chr(256 + code) for code in range(68)]
    merges = [("r", "e"), ("re", "d</w>"), ("k", "i"), ("t", "e</w>"), ("ki", "te</w>")]
    tokens = [*letters, *(letter + "</w>" for letter in letters), *(a + b for a, b in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    kind: Any = CLIPTokenizer
    return kind(vocab={t: n for n, t in enumerate(tokens)}, merges=merges)


def _ended_words() -> Any:
    """Return a tokenizer of whole words that marks the end of a text and not its beginning."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers.tokenization_utils_tokenizers import TokenizersBackend

    words: Any = Tokenizer(WordLevel(TABLE, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    end = ("[SEP]", TABLE["[SEP]"])
    words.post_processor = TemplateProcessing(single="$A [SEP]", special_tokens=[end])
    kind: Any = TokenizersBackend
    marks = {"pad_token": "[PAD]", "eos_token": "[SEP]", "unk_token": "[UNK]"}
    return kind(tokenizer_object=words, **marks)


_NETWORKS = {"clip": _clip, "align": _align, "blip": _blip, "siglip": _siglip}
_WORDS = {"clip": _clip_words, "siglip": _ended_words}
