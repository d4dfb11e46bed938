"""Texts as the rows of tokens that a compiled text network takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from indexer.models.compiled.clip_tokenizer import ClipTokenizer
from indexer.models.compiled.text_cleaning import Cleaning, clean

Tokens = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenizerSpec:
    """The rules by which a model's texts become rows; plain data, kept with its export.

    `file` is a list of merges for "clip", a `tokenizer.json` for "tokenizers". Rows are filled up
    with `pad` to the context, or to the longest of them; `masked` ones bring a mask of what counts.
    Tokens of the number `dropped` become 0, and the first one becomes `first`, where they are set.
    """

    file: str
    kind: Literal["clip", "tokenizers"]
    context: int
    cleaning: Cleaning = ""
    pad: int = 0
    to_context: bool = False
    pads_left: bool = False
    masked: bool = False
    dropped: int | None = None
    first: int | None = None

    def table(self) -> dict[str, Any]:
        """Return the spec for JSON."""
        return asdict(self)


class TextTokenizer:
    """Turns texts into rows of tokens; not for two threads at once."""

    def __init__(self, folder: Path, spec: TokenizerSpec) -> None:
        """Take a spec and the folder that holds its file, which is read on first use."""
        self._folder, self._spec = folder, spec

    def rows(self, texts: Sequence[str]) -> tuple[Tokens, ...]:
        """Return what the network takes: n texts → tokens (n, l) int64, and the mask where used.

        A text longer than the context is cut there.
        """
        spec = self._spec
        listed = [self._cut(text) for text in texts]
        length = spec.context if spec.to_context else max(map(len, listed))
        tokens = np.full((len(listed), length), spec.pad, np.int64)
        mask = np.zeros((len(listed), length), np.int64)
        for row, found in enumerate(listed):
            place = slice(length - len(found), length) if spec.pads_left else slice(len(found))
            tokens[row, place], mask[row, place] = found, 1
        if spec.dropped is not None:
            tokens[tokens == spec.dropped] = 0
        if spec.first is not None:
            tokens[:, 0] = spec.first
        return (tokens, mask) if spec.masked else (tokens,)

    def count(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        if self._spec.kind == "clip":
            return len(self._clip.tokens(text)) + 2
        self._file.no_truncation()
        return len(self._file.encode(clean(text, self._spec.cleaning)).ids)

    def _cut(self, text: str) -> list[int]:
        context = self._spec.context
        if self._spec.kind == "clip":
            clip = self._clip
            return [clip.begin, *clip.tokens(text)[: context - 2], clip.end]
        self._file.enable_truncation(context)
        found: list[int] = self._file.encode(clean(text, self._spec.cleaning)).ids
        return found

    @cached_property
    def _clip(self) -> ClipTokenizer:
        return ClipTokenizer(self._folder / self._spec.file, self._spec.cleaning)

    @cached_property
    def _file(self) -> Any:
        from tokenizers import Tokenizer

        loaded = Tokenizer.from_file(str(self._folder / self._spec.file))
        loaded.no_padding()
        return loaded
