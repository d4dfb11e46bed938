"""Small models that read images by plain rules, for the tests of this folder."""

from collections.abc import Callable, Sequence

import numpy as np

from indexer.models.protocols import ImageSpec, Pixels, Scores, Turn

SCORE_WEIGHT = 10.0
SPEC = ImageSpec(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def brightness(image: Pixels) -> float:
    return float(image.mean() / 255)


class WordReader:
    """Reads every word that it is given, each of them one token."""

    context: int | None = None

    def count_tokens(self, text: str) -> int:
        return len(text.split())


class RuleScorer(WordReader):
    """Scores by a rule over one image and one text; `batches` counts what it was given."""

    name, revision, image_spec = "rule-scorer", "1", SPEC

    def __init__(
        self,
        rule: Callable[[Pixels, str], float] = lambda image, _: brightness(image),
        calibrated: bool = True,
    ) -> None:
        self.calibrated = calibrated
        self.score_weight = SCORE_WEIGHT
        self._rule = rule
        self.batches: list[int] = []
        self.texts: list[str] = []

    def score(self, pixels: Pixels, texts: Sequence[str]) -> Scores:
        self.batches.append(len(pixels))
        self.texts = list(texts)
        return np.array([[self._rule(one, text) for text in texts] for one in pixels], np.float32)


class RuleCaptioner:
    """Captions by a rule over one image."""

    name, revision, image_spec = "rule-captioner", "1", SPEC

    def __init__(
        self, rule: Callable[[Pixels], str] = lambda one: f"brightness  {brightness(one):.3f}\n"
    ) -> None:
        self._rule = rule
        self.described = 0

    def describe(self, pixels: Pixels) -> list[str]:
        self.described += len(pixels)
        return [self._rule(one) for one in pixels]


class RuleAnswerer(WordReader):
    """Answers each question with itself and how bright the image is."""

    name, revision, image_spec = "rule-answerer", "1", SPEC

    def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
        return [
            f"{question} {brightness(one):.3f}"
            for one, question in zip(pixels, questions, strict=True)
        ]


class EchoChatModel:
    """Says how many images there are and what was said before."""

    name, revision, image_spec = "echo", "1", SPEC

    def chat(self, pixels: Pixels, turns: Sequence[Turn]) -> str:
        return f"{len(pixels)} | " + " / ".join(turn.text for turn in turns)
