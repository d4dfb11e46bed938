"""The making of an export: a model of its own library becomes files of the run-time.

It runs in a process of its own (`export_process`), so that what torch and the converter leave
behind is gone afterwards.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from indexer.models.compiled.convert import compile_to
from indexer.models.compiled.dual_encoder import CompiledEncoder
from indexer.models.compiled.export import Export, FileRecord, Part
from indexer.models.compiled.export_process import ExportRequest
from indexer.models.compiled.network import processor
from indexer.models.compiled.pair_scorer import CompiledScorer
from indexer.models.compiled.parity import (
    TEXTS,
    OutOfTolerance,
    check_encoder,
    check_scorer,
    check_tower,
)
from indexer.models.compiled.text_tokenizer import TextTokenizer, TokenizerSpec
from indexer.models.files import hub
from indexer.models.files.checkpoint import Checkpoint, from_folder
from indexer.models.networks.traceable import NotTraceable
from indexer.models.runtime.encoder_check import check_encoder as check_works
from storage.errors import BrokenModel

Tell = Callable[[str], None]  # takes what is done next, in words


def export(request: ExportRequest, folder: Path, tell: Tell) -> Export:
    """Write an export into an empty folder; what it says was checked against the class.

    Where the precision does not hold its tolerance, fp32 is tried. Raises NotTraceable,
    OutOfTolerance, OSError, and what the loader raises for a model that does not work.
    """
    tell("loading the model")
    model = load_model(request)
    if request.part == "dual-encoder":
        check_works(model, request.checkpoint.label)
    tokenizer = None
    if request.part != "tower":
        tokenizer = model.tokenizer_file(folder)
        _check_tokens(model, TextTokenizer(folder, tokenizer))
    refusal: OutOfTolerance | None = None
    for precision in dict.fromkeys((request.precision, "fp32")):
        try:
            return _made(replace(request, precision=precision), model, tokenizer, folder, tell)
        except OutOfTolerance as error:
            refusal = error
    assert refusal is not None
    raise refusal


def load_model(request: ExportRequest) -> Any:
    """Load a model on its own library; raises what its loader raises, and OSError."""
    for path in request.checkpoint.weight_files():
        if hub.is_damaged(path):
            raise BrokenModel(f"{path} is not what the hub named it by")
    module, _, name = request.loader.partition(":")
    model = getattr(import_module(module), name).load(request.checkpoint, "cpu")
    _check_unchanged(request.checkpoint)
    return model


def _check_unchanged(checkpoint: Checkpoint) -> None:
    """Raise OSError where a folder of the person's own holds other files than were asked for."""
    if checkpoint.folder is None or not Path(checkpoint.name).is_absolute():
        return
    if from_folder(checkpoint.name, checkpoint.folder).revision != checkpoint.revision:
        raise OSError(f"the files in {checkpoint.folder} changed meanwhile")


def _made(
    request: ExportRequest, model: Any, tokenizer: TokenizerSpec | None, folder: Path, tell: Tell
) -> Export:
    names = []
    for name, part in model.traceables().items():
        tell(f"compiling its {name} network in {request.precision}")
        compile_to(folder / f"{name}.blob", part, request.precision, request.threads)
        names.append(f"{name}.blob")
    names += [] if tokenizer is None else [tokenizer.file]
    files = {name: FileRecord.of(folder / name) for name in names}
    details = _details(model, request.part)
    runtime = processor().runtime
    made = Export(folder, request.precision, runtime, files, tokenizer, details)
    tell("comparing it with the model's own library")
    made = _checked(made, model, request)
    made.write()
    return made


def _checked(made: Export, model: Any, request: ExportRequest) -> Export:
    """Return the export with what the check measured; raises OutOfTolerance."""
    checkpoint, spec = request.checkpoint, model.image_spec
    if request.part == "dual-encoder":
        encoder = CompiledEncoder(checkpoint.name, checkpoint.revision, made, request.threads)
        return replace(made, cosine=check_encoder(model, encoder, spec, request.precision))
    if request.part == "pair-scorer":
        scorer = CompiledScorer(checkpoint.name, checkpoint.revision, made, request.threads)
        return replace(made, score_error=check_scorer(model, scorer, spec, request.precision))
    own, network = model.traceables()["tower"].module, made.network("tower", request.threads)
    cosine = check_tower(own, network.run, spec, request.precision)
    return replace(made, cosine=cosine)


def _details(model: Any, part: Part) -> Mapping[str, Any]:
    if part == "tower":
        return {}
    found: dict[str, Any] = {
        "preprocessing": model.image_spec.canonical(),
        "context": model.context,
    }
    if part == "dual-encoder":
        return found | {"dimension": model.space.dimension}
    return found | {
        "calibrated": model.calibrated,
        "score_weight": model.score_weight,
        "has_prior": model.has_prior,
        "calibration": None if model.calibration is None else asdict(model.calibration),
    }


def _check_tokens(model: Any, tokenizer: TextTokenizer) -> None:
    """Raise NotTraceable where a text becomes other tokens without the model's library."""
    for texts in _lists(TEXTS):
        own = model.token_rows(texts)
        rows = tokenizer.rows(texts)
        same = len(own) == len(rows) and all(
            one.shape == other.shape and bool((one == other).all())
            for one, other in zip(own, rows, strict=True)
        )
        if not same or any(tokenizer.count(text) != model.count_tokens(text) for text in texts):
            raise NotTraceable("its tokenizer counts otherwise without its library")


def _lists(texts: tuple[str, ...]) -> Iterator[list[str]]:
    yield list(texts)
    yield from ([text] for text in texts)
