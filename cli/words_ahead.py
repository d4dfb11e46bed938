"""The words of a search, encoded by a second process while this one is still importing.

Mapping a text tower and running it once takes a third of a second of one core, and importing what
a search needs as long on another. Whatever goes wrong in the second process, the search encodes its
words itself. Only the modules that must be are imported here: it is the first thing that runs.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

# Options of `sightline search` that take no value; a test compares them.
FLAGS = frozenset(("--rerank", "--describe", "--missing", "--paths", "--json", "-h", "--help"))
_WEIGHTS = "0123456789."  # `2:red kite` begins so: only the command knows what that means
# What needs the model in this process anyway, or is no search.
_OTHERS = frozenset(("--minus", "--image", "-h", "--help", "--"))
_MOST_TEXTS = 4
_PATIENCE = 20.0  # seconds for an answer; by then the search had been quicker alone
# The packages' `__init__`s, which import all that they offer, are left out.
_BOOTSTRAP = """
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
sys.path[:] = sys.argv[2:]
for name in ("storage", "indexer", "indexer.models"):
    paths = getattr(sys.modules.get(name.rpartition(".")[0]), "__path__", None)
    sys.modules[name] = module_from_spec(PathFinder.find_spec(name, paths))
from cli.words_ahead import serve
serve(sys.argv[1])
"""
_begun: "WordsAhead | None" = None


class WordsAhead:
    """Texts that another process is encoding."""

    def __init__(self, process: int, answers: int, texts: Sequence[str]) -> None:
        self._process, self._answers, self._texts = process, answers, frozenset(texts)
        self._ended = False
        self._answer: dict[str, Any] = {}

    def take(self, space: Any, texts: Sequence[str]) -> Any:
        """Return the vectors of texts in a space, (n, dim) float32; None where not all are."""
        import numpy as np

        if not self._texts.issuperset(texts):
            return None
        told = self._told()
        if told.get("model") != [space.name, space.revision]:
            self._answer = {}  # nor are the tokens those of this model
            return None
        rows = [told["vectors"].get(text) for text in texts]
        return None if None in rows or not rows else np.array(rows, np.float32)

    def count(self, text: str) -> int | None:
        """Return how many tokens a text has; None where it was not encoded."""
        found: int | None = self._told().get("counts", {}).get(text)
        return found

    def context(self) -> tuple[int | None] | None:
        """Return how many tokens the model reads, None in it for all; None where not known."""
        told = self._told()
        return (told["context"],) if told else None

    def close(self) -> None:
        """End the process, whatever it does."""
        if not self._ended:
            self._kill()
            self._end()

    def _told(self) -> dict[str, Any]:
        """Wait for the answer, once; an empty one where there is none."""
        if self._ended:
            return self._answer
        import select

        said = b""
        while select.select([self._answers], [], [], _PATIENCE)[0]:
            part = os.read(self._answers, 1 << 20)
            if not part:
                break
            said += part
        else:
            self._kill()
        self._end()
        try:
            self._answer = dict(json.loads(said))
        except ValueError:  # it had nothing to do, or broke off
            self._answer = {}
        return self._answer

    def _kill(self) -> None:
        try:
            os.kill(self._process, 9)
        except ProcessLookupError:
            return

    def _end(self) -> None:
        self._ended = True
        os.close(self._answers)
        try:
            os.waitpid(self._process, 0)
        except ChildProcessError:  # where SIGCHLD is ignored, the system has done so
            return


def begin(words: Sequence[str]) -> None:
    """Start to encode the words of a search, if these words of a command line are one."""
    global _begun
    texts, library = parsed(words)
    if not texts or not hasattr(os, "posix_spawn") or _cores() < 2:
        return
    answers, said = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, said, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    wish = json.dumps({"texts": texts, "library": library})
    command = [
        sys.executable,
        "-P",
        "-c",
        _BOOTSTRAP,
        wish,
        *(path or os.getcwd() for path in sys.path),
    ]
    try:
        process = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
    except (OSError, ValueError):  # no more processes, or a text that no command line can hold
        os.close(answers)
        return
    finally:
        os.close(said)
    _begun = WordsAhead(process, answers, texts)


def begun() -> WordsAhead | None:
    """Return what was started, to the one who will take or end it."""
    global _begun
    started, _begun = _begun, None
    return started


def parsed(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the texts of a plain search, and the library that is named; no texts for any other."""
    if not words or words[0] != "search":
        return [], None
    texts: list[str] = []
    library = None
    rest = iter(words[1:])
    for word in rest:
        if word in _OTHERS:
            return [], None
        if word == "--library":
            library = next(rest, None)
        elif word.startswith("--library="):
            library = word.partition("=")[2]
        elif word.startswith("-"):
            glued = "=" in word if word.startswith("--") else len(word) > 2  # `-k5`
            if word not in FLAGS and not glued:
                next(rest, None)
        elif not word.strip() or (":" in word and word[0] in _WEIGHTS):
            return [], None
        else:
            texts.append(word)
    return (texts, library) if len(texts) <= _MOST_TEXTS else ([], None)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def serve(wish: str) -> None:
    """Encode the texts of a wish and write them to standard output, if a library needs them."""
    from cli.settings import Settings
    from indexer.cpu import usable_cores
    from indexer.models.compiled.dual_encoder import CompiledEncoder
    from indexer.models.compiled.export_cache import ExportCache
    from indexer.models.runtime.accelerator import guess_device
    from storage.peek import current_model

    asked = json.loads(wish)
    settings = Settings.read(library=asked["library"])
    if settings.device != "cpu" and (settings.device != "auto" or guess_device() != "cpu"):
        return
    model = current_model(settings.library / "catalogue.sqlite3", asked["texts"])
    if model is None or model.knows:
        return
    export = ExportCache(settings.cache).known(model.name, model.revision, "dual-encoder")
    if export is None:
        return
    encoder = CompiledEncoder(model.name, model.revision, export, usable_cores())
    texts = asked["texts"]
    answer = {
        "model": [model.name, model.revision],
        "context": encoder.context,
        "vectors": dict(zip(texts, encoder.encode_texts(texts).tolist(), strict=True)),
        "counts": {text: encoder.count_tokens(text) for text in texts},
    }
    sys.stdout.write(json.dumps(answer))
