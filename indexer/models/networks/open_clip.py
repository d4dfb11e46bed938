"""CLIP and its kin, as the open_clip library builds them, behind the dual-encoder protocol."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import open_clip  # type: ignore[import-untyped]
import torch
from open_clip.convert import convert_state_dict  # type: ignore[import-untyped]
from open_clip.model import convert_to_custom_text_state_dict  # type: ignore[import-untyped]
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.overrides import TorchFunctionMode

from indexer.models.compiled.text_tokenizer import TokenizerSpec
from indexer.models.files import hub
from indexer.models.files.checkpoint import Checkpoint, fetched, pickled
from indexer.models.files.open_clip_config import OpenClipConfig
from indexer.models.files.reason import short_reason
from indexer.models.files.safe_json import read_object
from indexer.models.networks.dual_encoder import DualEncoderBase
from indexer.models.networks.pretrained import TOKENIZER, tokenizer_file
from indexer.models.runtime.device import Placement, place
from indexer.models.runtime.memory_check import check_memory
from storage.errors import BrokenModel, UnknownModel
from storage.records import Space

Tokenizer = Callable[[Sequence[str]], torch.Tensor]  # n texts → (n, context) int64
_WEIGHT_TYPES = (torch.float32, torch.float16, torch.bfloat16)
_MARKS = 2  # that open_clip's own tokenizer puts around a text
_MERGES = "merges.txt"
_TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json")  # beside it, not always


class OpenClipEncoder(DualEncoderBase):
    """A pair of towers built by open_clip from safetensors weights, in fp32."""

    def __init__(
        self,
        space: Space,
        config: OpenClipConfig,
        network: Any,
        tokenizer: Tokenizer,
        placement: Placement,
    ) -> None:
        super().__init__(space, config.image_spec, placement)
        self._network = network
        self._config = config
        self._tokenizer = tokenizer
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(config.image_spec.mean, device=placement.device).view(shape)
        self._std = torch.tensor(config.image_spec.std, device=placement.device).view(shape)

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "auto") -> "OpenClipEncoder":
        """Build the encoder of a checkpoint, fetching the weights of a published tag if needed.

        Raises BrokenModel, UnsafeWeights, ModelUnavailable, NotEnoughMemory, UnknownModel for a
        tag that is not published, and what `place` raises for the device.
        """
        placement = place(device)
        config = checkpoint.open_clip
        if config is None:
            config, checkpoint = published(checkpoint)
        assert checkpoint.weights is not None
        check_memory(checkpoint, placement)
        network = build(config, checkpoint.name)
        fill(network, checkpoint.weights, private=checkpoint.folder is not None)
        tokens = load_tokenizer(config, checkpoint)
        space = Space(
            checkpoint.name,
            checkpoint.revision,
            config.dimension,
            config.image_spec.canonical(),
            precision=placement.precision,
        )
        # float32 also where the program around has another default type for its own tensors.
        network = network.to(placement.device, torch.float32).requires_grad_(False).eval()
        return cls(space, config, network, tokens, placement)

    @property
    def context(self) -> int:
        """Return how many tokens of a text are read, special ones included."""
        return self._config.context

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        """Return tokens, cut and padded to the context: n texts → (n, context) int64."""
        return self._tokenizer(list(texts))

    def tokenizer_file(self, folder: Path) -> TokenizerSpec:
        """Write the tokenizer for a run without this library; raises NotTraceable."""
        tokenizer: Any = self._tokenizer
        options = self._config.tokenizer_options
        if isinstance(tokenizer, open_clip.tokenizer.HFTokenizer):
            return tokenizer_file(
                tokenizer.tokenizer,
                folder,
                self._config.context,
                cleaning=options.get("clean", "whitespace"),
                to_context=True,
                dropped=tokenizer.tokenizer.sep_token_id if tokenizer.strip_sep_token else None,
            )
        merges = self._config.bpe or Path(open_clip.tokenizer.default_bpe())
        (folder / _MERGES).write_bytes(gzip.decompress(merges.read_bytes()))
        cleaning = options.get("clean", "lower")
        return TokenizerSpec(_MERGES, "clip", self._config.context, cleaning, to_context=True)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        tokenizer: Any = self._tokenizer
        if isinstance(tokenizer, open_clip.tokenizer.HFTokenizer):
            return len(tokenizer.tokenizer(tokenizer.clean_fn(text), verbose=False).input_ids)
        return len(tokenizer.encode(text)) + _MARKS

    def _encode_images(self, part: torch.Tensor) -> torch.Tensor:
        # torchvision's ToTensor and Normalize, in their order of operations.
        pixel_values = part.to(self._placement.device).permute(0, 3, 1, 2).contiguous()
        scaled = pixel_values.float().div_(255).sub_(self._mean).div_(self._std)
        return cast(torch.Tensor, self._network.encode_image(scaled))

    def _encode_tokens(self, part: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self._network.encode_text(part.to(self._placement.device)))


def build(config: OpenClipConfig, name: str) -> Any:
    """Build the network of a config; its weights are whatever memory held.

    Raises BrokenModel where open_clip cannot build it.
    """
    kind = open_clip.CustomTextCLIP if config.custom_text else open_clip.CLIP
    try:
        with _WithoutDrawing():
            return kind(**config.network)
    except Exception as error:
        # Whatever a hostile or mistyped configuration makes the constructors raise.
        reason = short_reason(error, 200)
        raise BrokenModel(f"the configuration of {name} describes no network: {reason}") from None


def fill(network: Any, weights: Path, private: bool) -> None:
    """Set every weight of the network from a safetensors file, each name and shape matching.

    `private` copies them into memory; otherwise they stay mapped from the file, which must
    then never change, as in the hub's cache. Raises BrokenModel naming the file.
    """
    try:
        loaded = load_file(weights)
    except (SafetensorError, OSError, ValueError) as error:
        raise BrokenModel(f"{weights} is damaged or cut short: {short_reason(error)}") from None
    state = _current(network, loaded)
    wanted = network.state_dict()
    problem = _difference(wanted, state)
    if problem:
        raise BrokenModel(f"{weights} does not fit the model's configuration: {problem}")
    converted = {
        name: value.to(wanted[name].dtype, copy=private).contiguous()
        for name, value in state.items()
    }
    network.load_state_dict(converted, strict=True, assign=True)


def load_tokenizer(config: OpenClipConfig, checkpoint: Checkpoint) -> Tokenizer:
    """Return the model's tokenizer, from files beside it, open_clip's own, or the hub's cache.

    Raises BrokenModel where it knows words that the text tower does not.
    """
    if config.tokenizer:
        folder = checkpoint.folder or _fetch_tokenizer(config.tokenizer, checkpoint.label)
        tokenizer = _from_transformers(config, folder)
        vocabulary = len(tokenizer.tokenizer)
    else:
        tokenizer = _from_merges(config)
        vocabulary = tokenizer.vocab_size
    if vocabulary > config.vocabulary:
        raise BrokenModel(
            f"the tokenizer of {checkpoint.name} has {vocabulary} tokens and its text tower only "
            f"{config.vocabulary}: text_cfg.vocab_size and the vocabulary file do not match"
        )
    return cast(Tokenizer, tokenizer)


class _WithoutDrawing(TorchFunctionMode):
    """Leave random initial values undrawn: all are replaced, and ViT-B/32 draws for 3.5 s."""

    _DRAWS = frozenset(
        (
            "normal_",
            "uniform_",
            "trunc_normal_",
            "kaiming_normal_",
            "kaiming_uniform_",
            "xavier_normal_",
            "xavier_uniform_",
        )
    )

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if getattr(func, "__name__", "") in self._DRAWS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def published(pending: Checkpoint) -> tuple[OpenClipConfig, Checkpoint]:
    """Return the configuration of a published tag, and its checkpoint with its weights here.

    Raises UnknownModel, UnsafeWeights and what `fetched` raises.
    """
    architecture, _, tag = pending.tag.partition("/")
    published = open_clip.get_pretrained_cfg(architecture, tag)
    if not published:
        tags = open_clip.list_pretrained_tags_by_model(architecture)
        raise UnknownModel(
            f"open_clip has no weights {tag!r} for {architecture}; "
            f"it has: {', '.join(tags) or 'none'}"
        )
    repository, _, file = published.get("hf_hub", "").rpartition("/")
    if not repository or (file and not file.endswith(".safetensors")):
        raise pickled(pending.label)
    path = Path(open_clip.__file__).parent / "model_configs" / f"{architecture}.json"
    network = read_object(path)
    # The tag knows which activation its weights were trained with; the plain architecture
    # names of old tags do not.
    network["quick_gelu"] = network.get("quick_gelu", False) or published.get("quick_gelu", False)
    config = OpenClipConfig.parse({"model_cfg": network, "preprocess_cfg": published}, pending.name)
    if pending.weights is not None:
        return config, pending
    return config, fetched(pending, repository, *([file] if file else []))


def _current(network: Any, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Bring the names of older open_clip files up to date, as its own loader does."""
    state = convert_state_dict(network, state)
    wanted = network.state_dict()
    if "positional_embedding" in state and "positional_embedding" not in wanted:
        state = convert_to_custom_text_state_dict(state)
    for name in ("logit_scale", "logit_bias"):
        if name in state and name in wanted and state[name].numel() == wanted[name].numel():
            state[name] = state[name].reshape(wanted[name].shape)
    state.pop("text.transformer.embeddings.position_ids", None)
    return state


def _difference(wanted: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> str:
    missing = sorted(wanted.keys() - state.keys())
    if missing:
        return f"{len(missing)} tensors are missing, {missing[0]} among them"
    unexpected = sorted(state.keys() - wanted.keys())
    if unexpected:
        return f"{len(unexpected)} tensors are not part of it, {unexpected[0]} among them"
    for name, value in wanted.items():
        if state[name].shape != value.shape:
            return f"{name} is {tuple(state[name].shape)} and must be {tuple(value.shape)}"
        floating = value.dtype.is_floating_point
        if state[name].dtype not in (_WEIGHT_TYPES if floating else (value.dtype,)):
            return f"{name} is of type {state[name].dtype}, not float32, float16 or bfloat16"
    return ""


def _fetch_tokenizer(repository: str, model: str) -> Path:
    """Return the folder of a tokenizer's files, of one commit; once there, no network is asked."""
    there = hub.cached(repository, TOKENIZER)
    if there is not None:
        return there.parent
    commit = ""
    for file in (*_TOKENIZER_FILES, TOKENIZER):  # the one that must be there comes last
        try:
            path, commit = hub.fetch(model, repository, file, commit)
        except hub.NotOffered:
            continue
        if file == TOKENIZER:
            return path.parent
    raise BrokenModel(f"{repository}, the tokenizer of {model}, has no {TOKENIZER}")


def _from_merges(config: OpenClipConfig) -> Any:
    source = {"bpe_path": str(config.bpe)} if config.bpe else {}
    try:
        return open_clip.SimpleTokenizer(
            context_length=config.context, **source, **config.tokenizer_options
        )
    except Exception as error:
        reason = short_reason(error)
        raise BrokenModel(f"{config.bpe} cannot be read as a vocabulary: {reason}") from None


def _from_transformers(config: OpenClipConfig, folder: Path) -> Any:
    if not (folder / "tokenizer.json").is_file():
        raise BrokenModel(f"{folder} has no tokenizer.json, which its configuration needs")
    try:
        return open_clip.tokenizer.HFTokenizer(
            str(folder),
            context_length=config.context,
            local_files_only=True,
            trust_remote_code=False,
            **config.tokenizer_options,
        )
    except Exception as error:
        reason = short_reason(error)
        raise BrokenModel(f"the tokenizer in {folder} cannot be read: {reason}") from None
