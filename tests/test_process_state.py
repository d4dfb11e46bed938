"""A program that uses a library finds its process as it was: every switch Python shares."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sightline

# What a search may be tempted to set for its time: everything here is of the whole process.
_STATE = """
import csv, decimal, gc, locale, logging, os, signal, socket, sys, threading, warnings
import numpy, pillow_heif.options, pillow_jxl
from PIL import AvifImagePlugin, Image, ImageFile

Image.init()  # what Pillow itself loads with the first image of a kind

def loggers():
    known = [logging.getLogger(), *(one for one in list(logging.Logger.manager.loggerDict.values())
             if isinstance(one, logging.Logger))]
    return {one.name: (one.level, one.disabled, one.propagate, list(one.filters),
            [(type(each), each.level, list(each.filters)) for each in one.handlers])
            for one in known}

def state():
    torch = sys.modules.get("torch")
    bars = sys.modules.get("transformers.utils.logging")
    hub = sys.modules.get("huggingface_hub.utils.tqdm")
    return {
        "pillow": (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(Image.ID)),
        "avif": AvifImagePlugin.DEFAULT_MAX_THREADS,
        "heif": {k: v for k, v in vars(pillow_heif.options).items() if k.isupper()},
        "jxl": sys.modules["pillow_jxl.JpegXLImagePlugin"].DECODE_THREADS,
        "warnings": list(warnings.filters),
        "loggers": loggers(),
        "last resort": list(logging.lastResort.filters),
        "torch": torch and (torch.get_num_threads(), torch.get_default_dtype(),
                            torch.is_grad_enabled(), torch.initial_seed(),
                            torch.get_rng_state().tolist()),
        "bars": bars and bars.is_progress_bar_enabled(),
        "hub": hub and dict(hub.progress_bar_states),
        "numpy": numpy.geterr(),
        "csv": csv.field_size_limit(),
        "decimal": repr(decimal.getcontext()),
        "locale": locale.setlocale(locale.LC_ALL),
        "recursion": sys.getrecursionlimit(),
        "environment": dict(os.environ),
        "signals": {one: signal.getsignal(one) for one in signal.valid_signals()},
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook, sys.displayhook),
        "gc": (gc.isenabled(), gc.get_threshold()),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "timeout": socket.getdefaulttimeout(),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
    }

def changed(before, after):
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}
"""
_THREADS = """
import sightline
from search import Query, Term
import numpy, torch, warnings
warnings.filterwarnings("ignore", message="a filter of the program around")
logging.getLogger("transformers").setLevel(logging.INFO)
library = sightline.open(sys.argv[1])
given, broken = sys.argv[2:4]
image = Query((Term("image", given),), **{options})
def work(_):
    for query in (image, Query((Term("image", broken),)), "a red circle", ""):
        try:
            library.search(query)
        except sightline.SightlineError:
            pass
work(0)
before = state()
threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
[one.start() for one in threads], [one.join() for one in threads]
print(changed(before, state()) or "as it was")
"""


@pytest.fixture
def library(tmp_path: Path, photos: Path) -> Path:
    """A library of six photos, made with the torch-free stand-in."""
    with sightline.open(tmp_path / "made.library") as made:
        made.index(photos, model="stand-in")
    return tmp_path / "made.library"


def run(script: str, *words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *map(str, words)],
        capture_output=True,
        text=True,
        env={
            "PATH": "",
            "HOME": "/nowhere",
            "HF_HUB_OFFLINE": "1",
            "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],  # with what was prepared already
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_searching_from_several_threads_leaves_the_process_as_it_was(
    library: Path, photos: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((photos / "0.png").read_bytes()[:100])
    script = _STATE + _THREADS.replace("{options}", "{}").replace(", torch,", ",")
    assert run(script, library, photos / "0.png", broken) == "as it was"


@pytest.mark.slow
def test_models_that_are_loaded_and_run_leave_the_process_as_it_was(
    photos: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((photos / "0.png").read_bytes()[:100])
    with sightline.open(tmp_path / "made.library") as made:
        made.index(photos, model="mini")
    # Loads of transformers' networks, from several threads, stand between the two looks.
    script = _STATE + _THREADS.replace("{options}", "{}").replace("work(0)\n", _LOADED)
    assert run(script, tmp_path / "made.library", photos / "0.png", broken) == "as it was"


@pytest.mark.slow
@pytest.mark.parametrize("given", ["", "mine"])
def test_the_first_load_of_a_model_leaves_the_process_as_it_was(given: str) -> None:
    assert run(_FIRST, given) == "[]"


_FIRST = """
import os, sys, warnings, torch
if sys.argv[1]:
    os.environ["TOKENIZERS_PARALLELISM"] = os.environ["TORCHINDUCTOR_CACHE_DIR"] = sys.argv[1]
torch.manual_seed(7)
def state():
    return {"random": torch.get_rng_state().tolist(), "environment": dict(os.environ),
            "warnings": list(warnings.filters), "type": torch.get_default_dtype()}
before = state()
from indexer.models import load, load_reader
load("mini").encode_texts(["a red kite"])
load_reader("mini-caption", "captioner")
after = state()
print([name for name in before if before[name] != after[name]])
"""
_LOADED = """
import transformers.utils.logging
from huggingface_hub.utils import disable_progress_bars
from indexer.models import load_reader
disable_progress_bars("mine")
torch.set_default_dtype(torch.float64)
library.search("a red circle")
load_reader("mini-caption", "captioner")
searching = work
def work(number):
    load_reader("mini-caption", "captioner")
    try:
        library.ask("how many?", given, broken)
    except sightline.SightlineError:
        pass
    searching(number)
"""
