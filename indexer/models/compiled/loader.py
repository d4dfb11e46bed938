"""Models loaded to run as fast as this machine can: compiled on a CPU, else on their own library.

The one place that decides how a network runs. On CUDA and Apple's GPU a model's own library runs
it (`runtime.device`); on a CPU its export does, which is made once; where there can be none, the
own library again, with a line that says why.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, overload

from indexer.cpu import usable_cores
from indexer.models import registry
from indexer.models.compiled.calibrator import Calibrator, ReadSample, gone
from indexer.models.compiled.dual_encoder import BATCH, CompiledEncoder
from indexer.models.compiled.export import Export, ExportDamaged, Part
from indexer.models.compiled.export_cache import CacheUnusable, ExportCache, ExportKey
from indexer.models.compiled.export_process import ExportFailed, ExportRequest, make_export
from indexer.models.compiled.network import CompiledNetwork, RuntimeMissing, processor
from indexer.models.compiled.pair_scorer import CompiledScorer
from indexer.models.compiled.precision import Precision, choose, why
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.protocols import (
    Answerer,
    Captioner,
    ChatModel,
    DualEncoder,
    PairScorer,
    Role,
    VisionLanguageModel,
)
from indexer.models.runtime import memory
from indexer.models.runtime.accelerator import runs_on_cpu
from storage.errors import InvalidArgument
from storage.records import CALIBRATION

T = TypeVar("T")
Notify = Callable[[str], None]
# The class, the traced network and the compiled one are there at once.
_TIMES_WEIGHTS = 2.5
Watch = Callable[[str, str], None]  # takes a model's name and what is done to it


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """The way a dual encoder runs on this machine, and the reason."""

    device: str
    runtime: str
    precision: str
    batch: int  # images at once, at most
    reason: str
    prepared: bool  # nothing has to be made before the first image

    def __str__(self) -> str:
        """Return the choice in a line."""
        waits = "" if self.prepared else "; prepared at the first use"
        what = f"{self.runtime}, {self.precision}, on {self.device}, {self.batch} images at once"
        return f"{what}: {self.reason}{waits}"


class ModelLoader:
    """Loads models by name and role for one device."""

    def __init__(
        self,
        device: str = "auto",
        cache: Path | None = None,
        *,
        notify: Notify = lambda line: None,
        watch: Watch = lambda model, step: None,
    ) -> None:
        """Take the device, and the folder of exports where it is not the usual one.

        `notify` is told why a model runs slower than it might, `watch` of the steps of an export.
        """
        self._device, self._cache = device, ExportCache(cache)
        self._notify, self._watch = notify, watch
        self._threads = usable_cores()
        self._calibrator = Calibrator(self._cache, self._threads, watch)

    def load(self, name: str, revision: str = "") -> DualEncoder:
        """Load a dual encoder; raises as `registry.load` does.

        `revision` asks for the commit, or the hash of the files, that a library was made with: an
        export of it serves also where the files are no longer here. Of a calibration in int8 it
        returns an encoder of texts at least.
        """
        weights, quantized, _ = revision.partition(CALIBRATION)
        if quantized:
            return self._calibrator.encoder(self.load(name, weights), revision)
        if not runs_on_cpu(self._device):
            return registry.load(name, device=self._device, revision=revision)
        with suppress(RuntimeMissing, ExportDamaged):
            known = self._cache.known(name, revision, "dual-encoder") if revision else None
            if known is not None:
                return CompiledEncoder(name, revision, known, self._threads)

        made = self._compiled(name, "dual-encoder", "dual-encoder", revision, self._encoder)
        return made or registry.load(name, device=self._device, revision=revision)

    def load_quantized(
        self, name: str, weights: str, known: str | None, read_sample: ReadSample
    ) -> DualEncoder:
        """Load a dual encoder in int8 and tell how it agrees with the exact one.

        That is the `known` calibration, a revision, while the cache holds it, else a new one of
        the `weights` on the sample. Raises as `load` does and as `Calibrator.calibrate`.
        """
        if not runs_on_cpu(self._device):
            raise InvalidArgument(
                "int8 is for networks that run on a CPU, and here they run on an accelerator: "
                "leave {precision} out, or choose {device} cpu",
                parameter="precision",
                value="int8",
                others=("device",),
            )
        if known is not None and self._calibrator.agreement(name, known) is not None:
            encoder = self.load(name, known)
        else:
            encoder = self._calibrator.calibrate(self.load(name, weights), read_sample)
        agreement = self._calibrator.agreement(encoder.space.name, encoder.space.revision)
        if agreement is not None:
            self._notify(f"int8: {agreement}")
        return encoder

    def choose(self, name: str, revision: str = "") -> RuntimeChoice:
        """Return how a dual encoder would run; loads no network, fetches what is not here.

        `revision` matters where it is that of a calibration in int8.
        """
        if CALIBRATION in revision:
            return self._choose_quantized(name, revision)
        if not runs_on_cpu(self._device):
            from indexer.models.runtime.device import place

            placed = place(self._device)
            device = str(placed.device)
            reason = f"{device} is there"
            return RuntimeChoice(device, "torch", placed.precision, placed.batch, reason, True)
        found = registry.resolve(name)
        checkpoint = registry.pinned(registry.fetch(found, "", "dual-encoder"))
        count = memory.parameters(checkpoint)
        own = partial(RuntimeChoice, "cpu", "its own library", "fp32", BATCH, prepared=True)
        if count is None:
            return own(reason="it has no weights")
        try:
            has_bf16 = processor().has_bf16
        except RuntimeMissing as error:
            return own(reason=str(error))
        precision = choose(count, has_bf16)
        key = _key(checkpoint.name, checkpoint.revision, "dual-encoder", precision)
        refusal = self._cache.refusal(key)
        if refusal is not None:
            return own(reason=refusal)
        made = self._cache.find(key)
        used = precision if made is None else made.precision
        reason = why(count, has_bf16)
        if made is not None:
            reason += f"; cosine to its own library {made.cosine:.5f}"
        return RuntimeChoice("cpu", processor().runtime, used, BATCH, reason, made is not None)

    def _choose_quantized(self, name: str, revision: str) -> RuntimeChoice:
        agreement = self._calibrator.agreement(name, revision)
        own = partial(RuntimeChoice, "cpu", precision="int8", batch=BATCH, prepared=True)
        if agreement is None:
            return own("nothing to run images", reason=str(gone(name, self._cache.folder)))
        try:
            return own(processor().runtime, reason=str(agreement))
        except RuntimeMissing as error:
            return own("nothing to run images", reason=str(error))

    @overload
    def load_reader(self, name: str, role: Literal["pair-scorer"]) -> PairScorer: ...
    @overload
    def load_reader(self, name: str, role: Literal["captioner"]) -> Captioner: ...
    @overload
    def load_reader(self, name: str, role: Literal["answerer"]) -> Answerer: ...
    @overload
    def load_reader(self, name: str, role: Literal["dialogue"]) -> ChatModel: ...
    def load_reader(self, name: str, role: Role) -> VisionLanguageModel:
        """Load a model that looks at images a second time; raises as `registry.load_reader`."""

        on_cpu = runs_on_cpu(self._device)
        if on_cpu and role == "pair-scorer":
            scorer = self._compiled(name, role, "pair-scorer", "", self._scorer)
            if scorer is not None:
                return scorer
        tower = None
        if on_cpu and role != "pair-scorer":
            tower = self._compiled(name, role, "tower", "", self._tower)
        loaded = cast(Any, registry.load_reader)(name, role, device=self._device)
        if tower is not None:
            loaded.replace_tower(tower.run)
        return cast(VisionLanguageModel, loaded)

    def _encoder(self, export: Export, checkpoint: Checkpoint) -> DualEncoder:
        return CompiledEncoder(checkpoint.name, checkpoint.revision, export, self._threads)

    def _scorer(self, export: Export, checkpoint: Checkpoint) -> PairScorer:
        return CompiledScorer(checkpoint.name, checkpoint.revision, export, self._threads)

    def _tower(self, export: Export, _: Checkpoint) -> CompiledNetwork:
        return export.network("tower", self._threads)

    def _compiled(
        self,
        name: str,
        role: Role,
        part: Part,
        revision: str,
        run: Callable[[Export, Checkpoint], T],
    ) -> T | None:
        """Run a part of a model from its export, made if need be; None where there can be none."""
        found = registry.resolve(name)
        checkpoint = registry.pinned(registry.fetch(found, revision, role))
        count = memory.parameters(checkpoint)
        if count is None:
            return None  # a model without weights
        try:
            precision = choose(count, processor().has_bf16)
            key = _key(checkpoint.name, checkpoint.revision, part, precision)
            request = ExportRequest(
                found.entry.loaders[role], checkpoint, part, precision, self._threads
            )
            with registry.advised(found.entry, role):
                return run(self._export(key, request), checkpoint)
        except (RuntimeMissing, CacheUnusable, ExportFailed, ExportDamaged) as error:
            self._notify(
                f"the model {checkpoint.label} runs on its own library, which is slower: {error}"
            )
            return None

    def _export(self, key: ExportKey, request: ExportRequest) -> Export:
        found = self._cache.find(key)
        if found is not None:
            return found
        refusal = self._cache.refusal(key)
        if refusal is not None:
            raise ExportFailed(refusal, lasting=True)
        label = request.checkpoint.label
        waits = partial(self._watch, label, "waiting for another process that prepares it")
        with self._cache.turn(key, waits):
            found = self._cache.find(key)  # another process may have made it meanwhile
            if found is None:
                self._make(key, request)
                found = self._cache.find(key)
        if found is None:
            raise ExportDamaged("its export is damaged as soon as it is written")
        return found

    def _make(self, key: ExportKey, request: ExportRequest) -> None:
        label = request.checkpoint.label
        _check_room(request.checkpoint)
        try:
            with self._cache.draft(key) as folder:
                make_export(request, folder, lambda step: self._watch(label, step))
        except ExportFailed as error:
            if error.lasting:
                self._cache.refuse(key, str(error))
            raise


def _check_room(checkpoint: Checkpoint) -> None:
    """Raise ExportFailed where the machine would run out of memory."""
    need, free = _TIMES_WEIGHTS * (memory.checkpoint_bytes(checkpoint) or 0), memory.free()
    if need > free:
        reason = (
            f"preparing it needs about {need / 1e9:.1f} GB of memory, {free / 1e9:.1f} are free"
        )
        raise ExportFailed(reason, lasting=False)


def _key(name: str, revision: str, part: Part, precision: Precision) -> ExportKey:
    return ExportKey(name, revision, part, precision, processor())
