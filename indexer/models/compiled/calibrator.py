"""Dual encoders in int8: found in the cache, or calibrated on images of the person's own."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from indexer.models import registry
from indexer.models.compiled.agreement import Agreement
from indexer.models.compiled.export import QUANTIZED, Export, ExportDamaged
from indexer.models.compiled.export_cache import CacheUnusable, ExportCache, ExportKey
from indexer.models.compiled.export_process import (
    CalibrationSample,
    ExportFailed,
    ExportRequest,
    make_export,
)
from indexer.models.compiled.network import CompiledNetwork, Processor, RuntimeMissing, openvino
from indexer.models.compiled.precision import LEAST_CALIBRATION_IMAGES
from indexer.models.compiled.quantized_encoder import QuantizedEncoder
from indexer.models.protocols import DualEncoder, ImageSpec, Pixels
from storage.errors import Hint, InvalidArgument, ModelUnavailable
from storage.records import CALIBRATION

ReadSample = Callable[[ImageSpec], Pixels]  # returns (n, size, size, 3) uint8
_EVERY = Processor("", ())  # a network in int8 is compiled as it is loaded


class Calibrator:
    """Finds and makes the networks in int8 of a cache."""

    def __init__(self, cache: ExportCache, threads: int, watch: Callable[[str, str], None]) -> None:
        self._cache, self._threads, self._watch = cache, threads, watch

    def agreement(self, name: str, revision: str) -> Agreement | None:
        """Return how a calibrated network compares with the exact one; None if it is gone."""
        found = self._cache.find(_key(name, revision))
        return None if found is None else Agreement(**found.details["agreement"])

    def encoder(self, exact: DualEncoder, revision: str) -> QuantizedEncoder:
        """Return the encoder of a calibration; where that is gone it encodes texts alone."""
        return QuantizedEncoder(exact, revision, partial(self._network, exact.space.name, revision))

    def calibrate(self, exact: DualEncoder, read_sample: ReadSample) -> QuantizedEncoder:
        """Calibrate the image tower of an encoder in int8.

        Raises ModelUnavailable where int8 cannot be had, InvalidArgument for too few images.
        """
        name, revision = exact.space.name, exact.space.revision
        request = _request(name, revision, self._threads)
        label = request.checkpoint.label
        self._watch(label, "reading images to calibrate by")
        pixels = read_sample(exact.image_spec)
        _check_count(len(pixels))
        self._watch(label, f"encoding {len(pixels):,} images exactly")
        sample = CalibrationSample(pixels, exact.encode_images(pixels))
        key = _key(name, revision)
        try:
            with self._cache.turn(key), self._cache.draft(key, partial(_named, key)) as folder:
                step = partial(self._watch, label)
                make_export(replace(request, sample=sample), folder, step)
                made = _named(key, folder)
        except (CacheUnusable, ExportFailed) as error:
            raise ModelUnavailable(f"the model {label} cannot run in int8: {error}") from None
        return self.encoder(exact, made.revision)

    def _network(self, name: str, revision: str) -> CompiledNetwork:
        found = self._cache.find(_key(name, revision))
        if found is None:
            raise gone(name, self._cache.folder)
        try:
            return found.network("image", self._threads)
        except (ExportDamaged, RuntimeMissing) as error:
            raise ModelUnavailable(f"the network of {name} in int8 cannot run: {error}") from None


def gone(name: str, folder: Path) -> ModelUnavailable:
    """Return the error for images that only a calibration which is gone could encode."""
    return ModelUnavailable(
        f"the network of {name} in int8, by which this library's images were encoded, is no longer "
        f"in {folder}: searching by words still works; for images index in int8 again, which "
        "calibrates anew, and then use the new vectors",
        hint=Hint("index in precision", "int8"),
    )


def _request(name: str, revision: str, threads: int) -> ExportRequest:
    """Return the request of a calibration, still without its images."""
    try:
        openvino()
    except RuntimeMissing as error:
        raise ModelUnavailable(f"the model {name} cannot run in int8: {error}") from None
    if find_spec("nncf") is None:
        raise ModelUnavailable(
            "int8 needs NNCF, which is not installed: install it in the same environment, or "
            "leave {precision} out",
            parameter="precision",
            hint=Hint("install package", "nncf"),
        )
    found = registry.resolve(name)
    checkpoint = registry.pinned(registry.fetch(found, revision, "dual-encoder"))
    if not checkpoint.weight_files():
        raise ModelUnavailable(f"the model {checkpoint.label} has no weights to quantise")
    loader = found.entry.loaders["dual-encoder"]
    return ExportRequest(loader, checkpoint, "int8", "int8", threads)


def _check_count(count: int) -> None:
    if count < LEAST_CALIBRATION_IMAGES:
        raise InvalidArgument(
            f"int8 is calibrated on {LEAST_CALIBRATION_IMAGES} different images or more, and "
            f"{count} could be read: name a larger folder, or leave {{precision}} out",
            parameter="precision",
            value="int8",
        )


def _key(name: str, revision: str) -> ExportKey:
    return ExportKey(name, revision, "int8", "int8", _EVERY)


def _named(key: ExportKey, folder: Path) -> ExportKey:
    """Return the key by what the finished network of a folder is."""
    weights = Export.read(folder).files[QUANTIZED[1]].xxh3
    return replace(key, revision=f"{key.revision}{CALIBRATION}{weights[:8]}")
