"""A pool of training pictures with their captions, drawn once by several processes."""

import io
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from zlib import crc32

import numpy as np
import numpy.typing as npt
from PIL import Image

from indexer.models.mini.scenes.counterfactuals import counterfactuals
from indexer.models.mini.scenes.drawing import draw
from indexer.models.mini.scenes.phrases import full_captions, short_captions
from indexer.models.mini.scenes.questions import MAX_QUESTION_WORDS, questions
from indexer.models.mini.scenes.scenes import (
    BACKGROUNDS,
    COLOURS,
    LAYOUTS,
    SHAPES,
    SIZES,
    Content,
    Scene,
    held_out,
    scenes,
)

IMAGE_SIZE = 64
FAMILY = 4
MAX_CAPTIONS = 36
MAX_WORDS = 30
MAX_QUESTIONS = 12
UNSAID = -100
_BLOCK_FAMILIES = 500
_DRAWN_SIZES = (64, 96, 128, 192)
_DRAWN_SHARES = (0.5, 0.2, 0.2, 0.1)
_JPEG_SHARE = 0.3

# What a probe is asked of a scene: layout, background, then size, colour and shape per place.
QUESTIONS: tuple[int, ...] = (
    len(LAYOUTS),
    len(BACKGROUNDS),
    *((len(SIZES), len(COLOURS), len(SHAPES)) * 3),
)


@dataclass(frozen=True)
class RenderCache:
    """Families of near-alike scenes in a row, each scene with its picture and captions.

    pictures (n, 64, 64, 3) uint8; words (n, 36, 30) int16, ids into the sorted vocabulary plus
    one, zero after the end; keys (n, 36) int64, equal for equal captions, -1 where there is none;
    full and total (n,) int16, how many captions are full and how many there are; answers (n, 11)
    int64 for QUESTIONS, UNSAID where a scene has no such place; questions (n, 12, 16) and replies
    (n, 12) int16, word numbers as in `words`, zero where a scene has fewer questions.
    """

    pictures: npt.NDArray[np.uint8]
    words: npt.NDArray[np.int16]
    keys: npt.NDArray[np.int64]
    full: npt.NDArray[np.int16]
    total: npt.NDArray[np.int16]
    answers: npt.NDArray[np.int64]
    questions: npt.NDArray[np.int16]
    replies: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.pictures)


def build_cache(seed: int, families: int, words: tuple[str, ...], workers: int) -> RenderCache:
    """Draw that many families; the result depends on seed and count, not on the workers."""
    sizes = [min(_BLOCK_FAMILIES, families - at) for at in range(0, families, _BLOCK_FAMILIES)]
    jobs = [(seed + 1 + number, size, words) for number, size in enumerate(sizes)]
    if workers == 1:
        return _joined([_block(job) for job in jobs])
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as crew:
        return _joined(list(crew.map(_block, jobs)))


def training_families(seed: int, count: int) -> Iterator[tuple[Scene, ...]]:
    """Yield families of scenes one change apart, none of a held-out content."""
    kept_out = {scene.content for scene in held_out()}
    rng = random.Random(seed)
    made = 0
    while made < count:
        (scene,) = scenes(rng.getrandbits(48), 1)
        if scene.content in kept_out:
            continue
        made += 1
        yield _family(scene, kept_out, rng)


def _family(scene: Scene, kept_out: set[Content], rng: random.Random) -> tuple[Scene, ...]:
    family = {scene.content: scene}
    while len(family) < FAMILY:
        near = [each.scene for each in counterfactuals(scene, rng)]
        for other in rng.sample(near, len(near)):
            if other.content not in kept_out and len(family) < FAMILY:
                family.setdefault(other.content, other)
    return tuple(family.values())


def _block(job: tuple[int, int, tuple[str, ...]]) -> RenderCache:
    seed, families, words = job
    ids = {word: number + 1 for number, word in enumerate(words)}
    # Asking has a stream of its own: pictures stay the same whatever is asked about them.
    rng, asking = random.Random(seed), random.Random(f"questions {seed}")
    drawn = [scene for family in training_families(seed, families) for scene in family]
    return _joined([_row(scene, ids, rng, asking) for scene in drawn])


def _row(
    scene: Scene, ids: dict[str, int], rng: random.Random, asking: random.Random
) -> RenderCache:
    full = full_captions(scene)
    texts = full + short_captions(scene)
    words = np.zeros((1, MAX_CAPTIONS, MAX_WORDS), np.int16)
    keys = np.full((1, MAX_CAPTIONS), -1, np.int64)
    for slot, text in enumerate(texts):
        spelled = _spell(text, ids)
        words[0, slot, : len(spelled)] = spelled
        keys[0, slot] = crc32(text.encode())
    asked, replies = _asked(scene, ids, asking)
    return RenderCache(
        pictures=photograph(scene, rng)[None],
        words=words,
        keys=keys,
        full=np.array([len(full)], np.int16),
        total=np.array([len(texts)], np.int16),
        answers=np.array([answers(scene.content)], np.int64),
        questions=asked,
        replies=replies,
    )


def _spell(text: str, ids: dict[str, int]) -> list[int]:
    return [ids[word] for word in text.replace(",", " ,").replace("?", " ?").split()]


def _asked(
    scene: Scene, ids: dict[str, int], rng: random.Random
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    asked = np.zeros((1, MAX_QUESTIONS, MAX_QUESTION_WORDS), np.int16)
    replies = np.zeros((1, MAX_QUESTIONS), np.int16)
    ask = list(questions(scene, rng))
    rng.shuffle(ask)
    for slot, question in enumerate(ask[:MAX_QUESTIONS]):
        spelled = _spell(question.text, ids)
        asked[0, slot, : len(spelled)] = spelled
        replies[0, slot] = ids[question.answer]
    return asked, replies


def photograph(scene: Scene, rng: random.Random) -> npt.NDArray[np.uint8]:
    """Draw the scene at some size, as a file might hold it, and bring it to (64, 64, 3) uint8."""
    size = rng.choices(_DRAWN_SIZES, _DRAWN_SHARES)[0]
    picture = draw(scene, size, rng.getrandbits(32))
    if rng.random() < _JPEG_SHARE:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=rng.randint(60, 95))
        picture = Image.open(file).convert("RGB")
    if size != IMAGE_SIZE:
        picture = picture.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def answers(content: Content) -> list[int]:
    """Put a content as class numbers for QUESTIONS, UNSAID for places it does not have."""
    given = [LAYOUTS.index(content.layout), BACKGROUNDS.index(content.background)]
    for look in content.looks:
        given += [SIZES.index(look.size), COLOURS.index(look.colour), SHAPES.index(look.shape)]
    return given + [UNSAID] * (len(QUESTIONS) - len(given))


def _joined(pools: list[RenderCache]) -> RenderCache:
    return RenderCache(
        pictures=np.concatenate([pool.pictures for pool in pools]),
        words=np.concatenate([pool.words for pool in pools]),
        keys=np.concatenate([pool.keys for pool in pools]),
        full=np.concatenate([pool.full for pool in pools]),
        total=np.concatenate([pool.total for pool in pools]),
        answers=np.concatenate([pool.answers for pool in pools]),
        questions=np.concatenate([pool.questions for pool in pools]),
        replies=np.concatenate([pool.replies for pool in pools]),
    )
