"""int8 is asked for, calibrated on images of one's own, measured, and never mixed with the rest."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sightline
from indexer.models import ImageSpec, Pixels, load
from indexer.models.compiled import calibrator as calibrating
from indexer.models.compiled.calibrator import Calibrator
from indexer.models.compiled.export_cache import ExportCache
from indexer.models.compiled.export_process import ExportFailed
from indexer.models.compiled.loader import ModelLoader
from indexer.models.compiled.parity import photos
from storage.errors import InvalidArgument, ModelUnavailable
from storage.records import Matrix
from storage.tables import vectors
from tests.drawn_images import photo
from tests.indexer.models.conftest import write_folder

IMAGES = 60


def sample_of(count: int) -> Callable[[ImageSpec], Pixels]:
    """Return what reads a sample of so many images of noise."""
    return lambda spec: np.random.default_rng(0).integers(
        0, 256, (count, spec.size, spec.size, 3), np.uint8
    )


@pytest.fixture
def calibrator(tmp_path: Path) -> Calibrator:
    """A calibrator with a cache of its own."""
    return Calibrator(ExportCache(tmp_path / "cache"), 2, lambda model, step: None)


def test_too_few_images_are_refused(tiny: Path, calibrator: Calibrator) -> None:
    exact = load(str(tiny), device="cpu")
    with pytest.raises(InvalidArgument, match="32 different images or more, and 31 could be read"):
        calibrator.calibrate(exact, sample_of(31))


def test_without_nncf_the_package_is_named(
    tiny: Path, calibrator: Calibrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match="needs NNCF, which is not installed") as error:
        calibrator.calibrate(load(str(tiny), device="cpu"), sample_of(40))
    assert error.value.hint is not None and error.value.hint.of == "nncf"


def test_what_differs_too_much_is_refused_and_nothing_is_kept(
    tiny: Path, calibrator: Calibrator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(_: object, folder: Path, *__: object) -> None:
        (folder / "image.bin").write_bytes(b"weights")
        raise ExportFailed("one has a vector only 0.931 like the exact one", lasting=True)

    monkeypatch.setattr(calibrating, "make_export", differ)
    with pytest.raises(ModelUnavailable, match="cannot run in int8: one has a vector only 0.931"):
        calibrator.calibrate(load(str(tiny), device="cpu"), sample_of(40))
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [path.suffix for path in kept] in ([], [".lock"])


def test_a_model_without_weights_is_refused(calibrator: Calibrator) -> None:
    with pytest.raises(ModelUnavailable, match="no weights to quantise"):
        calibrator.calibrate(load("stand-in", device="cpu"), sample_of(40))


def test_a_calibration_that_is_gone_encodes_texts_alone(tiny: Path, tmp_path: Path) -> None:
    loader = ModelLoader("cpu", tmp_path / "cache")
    exact = loader.load(str(tiny))
    revision = f"{exact.space.revision}+int8.00000000"
    lost = loader.load(str(tiny), revision)
    assert (lost.space.revision, lost.space.weights) == (revision, exact.space.revision)
    np.testing.assert_array_equal(lost.encode_texts(["a"]), exact.encode_texts(["a"]))
    with pytest.raises(ModelUnavailable, match="searching by words still works") as error:
        lost.encode_images(photos(lost.image_spec))
    assert error.value.hint is not None and error.value.hint.step == "index in precision"
    assert "calibrates anew" in str(loader.choose(str(tiny), revision))


_TELEMETRY = """
from indexer.models.compiled import network
with network.without_telemetry():
    from nncf.telemetry import wrapper
print(hasattr(wrapper, "Telemetry"), isinstance(wrapper.telemetry, wrapper.NNCFTelemetryStub))
"""


@pytest.mark.slow
def test_nncf_has_nothing_to_phone_home_with() -> None:
    done = subprocess.run([sys.executable, "-c", _TELEMETRY], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"], done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, 60 photos, and a library of them begun in int8."""
    home = tmp_path_factory.mktemp("int8")
    write_folder(home / "model")
    (home / "photos").mkdir()
    for seed in range(IMAGES):
        photo(seed, (96, 72)).save(home / "photos" / f"{seed}.png")
    with opened(home) as app:
        app.index(home / "photos", precision="int8")
        [told] = app.notices
    assert told.startswith("int8: cosine 0.99") or told.startswith("int8: cosine 1.000")
    assert told.endswith("of 10 nearest as before")
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of one's own; the model stays where it is, by which it is known."""
    for name in ("library", "photos", "cache"):
        shutil.copytree(made / name, tmp_path / name)
    (tmp_path / "model").symlink_to(made / "model")
    return tmp_path


def opened(home: Path) -> sightline.Sightline:
    model = str((home / "model").resolve())
    return sightline.open(home / "library", "cpu", model=model, cache_folder=home / "cache")


def stored(app: sightline.Sightline, revision: str) -> Matrix:
    """Return the vectors of a space, in the order of the images."""
    [space] = [one.space for one in app.library.spaces() if one.space.revision == revision]
    assert space.id is not None
    with app.library.catalogue.reading() as connection:
        found = vectors.rows_of(connection, space.id, app.select().numbers)
    return np.stack([found[number] for number in sorted(found)])


@pytest.mark.slow
def test_int8_and_exact_vectors_are_alike_and_in_spaces_of_their_own(home: Path) -> None:
    with opened(home) as app:
        [only] = app.status().spaces
        assert (only.space.precision, only.vectors, only.complete) == ("int8", IMAGES, True)
        quantized = only.space.revision
        before = stored(app, quantized)
        assert app.search("a red circle")[0].item.kind == "image"
        app.index(precision="auto")  # which adds the exact vectors beside them
        current, beside = app.status().spaces
        assert (current.space.revision, beside.space.precision) == (quantized, "fp32")
        exact = stored(app, beside.space.revision)
        np.testing.assert_array_equal(stored(app, quantized), before)
        cosines = np.einsum("nd,nd->n", before, exact)
        assert cosines.min() > 0.95 and not np.array_equal(before, exact)

        photo(IMAGES, (96, 72)).save(home / "photos" / "new.png")
        app.index(home / "photos")  # goes on in the space in use alone
        assert [one.vectors for one in app.status().spaces] == [IMAGES + 1, IMAGES]
        name = current.space.name
        app.index(precision="auto")
        assert app.use(name, "auto").precision == "fp32"
        photo(IMAGES + 1, (96, 72)).save(home / "photos" / "newer.png")
        app.index(home / "photos")
        assert [one.vectors for one in app.status().spaces] == [IMAGES + 2, IMAGES + 1]
        app.index(precision="int8")  # by the calibration that is there
        assert [one.vectors for one in app.status().spaces] == [IMAGES + 2, IMAGES + 2]
        assert app.use(name, "int8").revision == quantized


@pytest.mark.slow
def test_where_the_network_is_lost_words_find_and_images_say_what_to_do(home: Path) -> None:
    for folder in (home / "cache" / "exports").glob("*-int8-*"):
        shutil.rmtree(folder)
    with opened(home) as app:
        assert len(app.search("a red circle", k=5)) == 5
        assert app.index(home / "photos").copied == IMAGES
        photo(IMAGES, (96, 72)).save(home / "photos" / "new.png")
        with pytest.raises(ModelUnavailable, match="index in int8 again"):
            app.index(home / "photos")
        assert [one.vectors for one in app.status().spaces] == [IMAGES]
        lost = app.status().spaces[0].space
        app.index(home / "photos", precision="int8")
        made = max((one.space for one in app.status().spaces), key=lambda space: space.id or 0)
        if made.revision != lost.revision:  # one calibrated alike is the same network
            assert app.use(lost.name, "int8") == made
        assert app.status().spaces[0].vectors == IMAGES + 1
