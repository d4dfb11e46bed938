"""Models are run by one thread at a time, and by a thread of its own after a fork."""

import os
import subprocess
import sys
import time
from _thread import interrupt_main
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Lock, Thread, Timer, current_thread, main_thread

import pytest
import torch

from indexer.models.families import FAMILIES
from indexer.models.protocols import Role
from indexer.models.runtime.inference import inference
from indexer.models.zoo import OPEN_CLIP_LOADERS
from storage import fork
from storage.errors import ForkedProcess

_METHODS: dict[Role, tuple[str, ...]] = {  # of the protocols
    "dual-encoder": ("encode_images", "encode_texts"),
    "pair-scorer": ("score",),
    "captioner": ("describe",),
    "answerer": ("answer",),
    "dialogue": ("chat",),
}
_LOADERS = [(role, one) for each in FAMILIES.values() for role, one in each.loaders.items()]


class Counting:
    """Counts how many threads are in it at once."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.guard = Lock()

    @inference
    def run(self, seconds: float = 0.01) -> str:
        with self.guard:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(seconds)
        with self.guard:
            self.inside -= 1
        return current_thread().name

    @inference
    def run_twice(self) -> str:
        return self.run()

    @inference
    def thread(self) -> Thread:
        return current_thread()

    @inference
    def fail(self) -> None:
        raise RuntimeError("CUDA error: initialization error")


@pytest.mark.parametrize(("role", "loader"), [*_LOADERS, *OPEN_CLIP_LOADERS.items()])
def test_every_way_into_every_network_is_guarded(role: Role, loader: str) -> None:
    module, _, name = loader.partition(":")
    network = getattr(import_module(module), name)
    for method in _METHODS[role]:
        assert hasattr(getattr(network, method), "__wrapped__"), method


def test_one_thread_at_a_time_runs_a_model_and_others_run_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fork, "_team_lost", False)
    one, other = Counting(), Counting()
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda model: model.run(), [one, one, one, other, other, one]))
    assert one.most == other.most == 1
    assert one.run_twice() == main_thread().name


def test_a_thread_that_was_there_before_a_fork_lets_another_one_compute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fork, "_team_lost", True)
    assert Counting().run() != main_thread().name
    assert Counting().run_twice() != main_thread().name
    with ThreadPoolExecutor(1, "mine") as threads:
        assert threads.submit(Counting().run).result().startswith("mine")
    with pytest.raises(RuntimeError, match="initialization"):
        Counting().fail()


def test_that_thread_stays_as_a_team_that_ends_would_lock_a_child_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fork, "_team_lost", True)
    first = Counting().thread()
    assert first.is_alive()
    assert Counting().thread() is first


def test_an_interrupted_call_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork, "_team_lost", True)
    model = Counting()
    Timer(0.1, interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        model.run(0.5)
    assert model.inside == 0


def test_an_accelerator_that_the_parent_had_in_use_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    with pytest.raises(ForkedProcess, match="device='cpu'"):
        Counting().fail()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("early", [True, False], ids=["known to the parent", "loaded in the child"])
def test_a_child_computes_after_its_parent_did(early: bool) -> None:
    """GCC's OpenMP would wait for ever for the threads that stayed with the parent.

    And one child in twenty to fifty for MKL's locks, if the parent's threads were just ending.
    """
    before, after = ("LOAD()", "") if early else ("", "LOAD()")
    script = f"""
import os, signal, sys, torch
images = torch.rand(8, 3, 64, 64)
torch.nn.Conv2d(3, 64, 7)(images).sum(), (torch.rand(900, 900) @ torch.rand(900, 900)).sum()
def LOAD():
    global encoder
    from indexer.models import load
    encoder = load("mini")
    print(encoder.encode_texts(["a red circle"]).shape, flush=True)
{before}
for left in reversed(range({60 if early else 1})):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        {after}
        print(encoder.encode_texts(["a blue square", "a star"]).shape, flush=True)
        os._exit(5) if left else sys.exit(5)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    {"encoder.encode_texts(['a circle'])" if early else ""}
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shapes = done.stdout.split("\n")
    assert {line[:2] for line in shapes if line} == {"(1", "(2", "5"}
