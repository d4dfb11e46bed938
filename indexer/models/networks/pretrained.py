"""A network of the transformers library and what belongs to it, each checked as it is loaded.

Safetensors only, from a folder on this machine only, with no code from the folder.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from transformers.modeling_utils import PreTrainedModel
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.tokenization_utils_base import PreTrainedTokenizerBase
from transformers.utils import logging as chatter

from indexer.models.compiled.text_tokenizer import TokenizerSpec
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.files.image_processor import read_spec
from indexer.models.files.layout import VOCABULARIES
from indexer.models.files.reason import short_reason
from indexer.models.networks.traceable import NotTraceable
from indexer.models.protocols import ImageSpec
from indexer.models.runtime import memory
from indexer.models.runtime.device import LARGEST_BATCH, Placement, place
from indexer.models.runtime.logs import muted
from indexer.models.runtime.memory_check import check_memory
from storage.errors import BrokenModel

M = TypeVar("M", bound=PreTrainedModel)
TOKENIZER = "tokenizer.json"
_LOADING = threading.Lock()
# Computed from the configuration; older files hold them all the same.
_DERIVED = ("position_ids", "inv_freq", "num_batches_tracked")


@dataclass(frozen=True, slots=True)
class Parts:
    """A network with its tokenizer and the preparation of its images, which fit each other."""

    network: Any
    tokenizer: Any
    image_spec: ImageSpec
    placement: Placement


def load_parts(
    kind: Any,
    checkpoint: Checkpoint,
    device: str,
    *,
    text_part: str,
    exact: bool = False,
    max_batch: int = LARGEST_BATCH,
) -> Parts:
    """Load all that a network runs with; `text_part` names what reads text in it.

    Raises BrokenModel where its files are of two models, and what `network` raises.
    """
    spec = image_spec(checkpoint)
    words = tokenizer(checkpoint)
    loaded, placement = network(kind, checkpoint, device, exact=exact, max_batch=max_batch)
    check_images(spec, loaded.config.vision_config.image_size, checkpoint.name)
    check_tokenizer(words, loaded.config.text_config.vocab_size, checkpoint.name, text_part)
    return Parts(loaded, words, spec, placement)


def network(
    kind: type[M],
    checkpoint: Checkpoint,
    device: str,
    *,
    exact: bool = False,
    max_batch: int = LARGEST_BATCH,
) -> tuple[M, Placement]:
    """Load the weights of a checkpoint into a network of that kind, ready to run as placed.

    `exact` and `max_batch` are those of `place`. Raises NotEnoughMemory before the weights are
    read, BrokenModel naming the folder, and what `place` raises.
    """
    count = memory.parameters(checkpoint) or 0
    placement = place(device, count=count, exact=exact, max_batch=max_batch)
    check_memory(checkpoint, placement)
    folder = _folder(checkpoint)
    try:
        with _loading():
            built, info = cast(Any, kind).from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # told below, by name
                dtype=torch.bfloat16 if placement.weights == "bf16" else torch.float32,
                output_loading_info=True,
            )
    except Exception as error:
        # Whatever a hostile, damaged or mistyped file makes the library raise.
        raise BrokenModel(
            f"the model in {folder} cannot be loaded: {short_reason(error)}"
        ) from None
    problem = _difference(info)
    if problem:
        raise BrokenModel(f"the weights in {folder} do not fit their configuration: {problem}")
    model = cast(M, built)
    return cast(M, model.to(cast(Any, placement.device)).requires_grad_(False).eval()), placement


def tokenizer(checkpoint: Checkpoint, subfolder: str = "") -> PreTrainedTokenizerBase:
    """Load the tokenizer beside the weights, or in a folder below; raises BrokenModel."""
    folder = _folder(checkpoint) / subfolder
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise BrokenModel(f"{folder} has no vocabulary: none of {', '.join(VOCABULARIES[:4])}")
    try:
        with quiet():
            loaded = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:
        raise BrokenModel(
            f"the tokenizer in {folder} cannot be read: {short_reason(error)}"
        ) from None
    return cast(PreTrainedTokenizerBase, loaded)


def image_spec(checkpoint: Checkpoint) -> ImageSpec:
    """Read how the model's images are prepared; raises BrokenModel naming file and key."""
    return read_spec(_folder(checkpoint))


def check_images(spec: ImageSpec, side: Any, model: str) -> None:
    """Raise BrokenModel where images are prepared for a tower of another size."""
    if side != spec.size:
        raise BrokenModel(
            f"the image tower of {model} takes {side} pixels a side and its processor file says "
            f"{spec.size}: the files are of two models, take all from one"
        )


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, known: int, model: str, part: str) -> None:
    """Raise BrokenModel where a tokenizer has numbers that a network knows no word for."""
    count = max(tokenizer.get_vocab().values(), default=-1) + 1
    if count > known:
        raise BrokenModel(
            f"the tokenizer of {model} has {count} tokens and its {part} only {known}: the files "
            f"are of two models, take all from one"
        )


def tokenizer_file(
    tokenizer: PreTrainedTokenizerBase, folder: Path, context: int, **options: Any
) -> TokenizerSpec:
    """Write a tokenizer as a file of the tokenizers library; raises NotTraceable if it is none."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise NotTraceable("its tokenizer is none of the tokenizers library")
    (folder / TOKENIZER).write_text(backend.to_str(), encoding="utf-8")
    pads_left = getattr(tokenizer, "padding_side", "right") == "left"
    fixed: dict[str, Any] = {
        "pad": int(cast(Any, tokenizer).pad_token_id or 0),
        "pads_left": pads_left,
    }
    return TokenizerSpec(TOKENIZER, "tokenizers", context, **{**fixed, **options})


def count_tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    """Return how many tokens a text has, the marks that the tokenizer adds included."""
    # Not verbose: it would warn of what is longer than the network takes.
    return len(cast(Any, tokenizer)(text, verbose=False).input_ids)


def normalise(squares: torch.Tensor, spec: ImageSpec, device: torch.device) -> torch.Tensor:
    """Turn squares into what a tower sees: (n, s, s, 3) uint8 → (n, 3, s, s) float32."""
    pixel_values = squares.to(device).permute(0, 3, 1, 2).contiguous().float()
    mean = torch.tensor(spec.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=device).view(1, 3, 1, 1)
    return pixel_values.div_(255).sub_(mean).div_(std)


def quiet() -> AbstractContextManager[None]:
    """Return a block in which this thread logs nothing under the name of transformers."""
    return muted("transformers")


@contextmanager
def _loading() -> Iterator[None]:
    """Hold the lock of loading, and hide bars of progress, while the block runs.

    While it loads, transformers changes what belongs to the whole process (torch's default type,
    the functions that draw initial weights) and then puts back what it met: two at once would
    put back each other's. The bar is switched by its name, because `disable_progress_bar` also
    drops what the program around has set for the bars of huggingface_hub.
    """
    with _LOADING, quiet():
        bars = chatter._tqdm_active
        chatter._tqdm_active = False
        try:
            yield
        finally:
            chatter._tqdm_active = bars


def _folder(checkpoint: Checkpoint) -> Path:
    if checkpoint.folder is None:
        raise BrokenModel(f"the model {checkpoint.label} has no files of the transformers library")
    return checkpoint.folder


def _difference(info: dict[str, Any]) -> str:
    for key, said in (("missing_keys", "are missing"), ("unexpected_keys", "are not part of it")):
        names = sorted(name for name in info[key] if not name.endswith(_DERIVED))
        if names:
            return f"{len(names)} tensors {said}, {names[0]} among them"
    if info["mismatched_keys"]:
        first = sorted(info["mismatched_keys"])[0]
        return f"{first[0]} is {tuple(first[1])} and must be {tuple(first[2])}"
    return " ".join(str(said) for said in info["error_msgs"])[:160]
