"""How a dialogue about images is written out for a language model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexer.models.files.reason import short_reason
from indexer.models.files.safe_json import read_json
from indexer.models.networks.prompts import Prompts
from indexer.models.protocols import Turn
from storage.errors import BrokenModel, InvalidArgument

TURN = "USER: {images}{text} ASSISTANT:"  # of LLaVA 1.5, whose replies end as Prompts.reply says
_TEMPLATES = ("chat_template.json", "processor_config.json")
_ROLES = {"person": "user", "model": "assistant"}


class ChatTemplate:
    """Writes turns as a model was taught them: by its own wording, else its chat template.

    `image` is the token that stands for an image; it comes once for each image, all of
    them in the first turn.
    """

    def __init__(self, prompts: Prompts, tokenizer: Any, folder: Path | None, image: str) -> None:
        self._prompts = prompts
        self._tokenizer = tokenizer
        self._image = image
        self._template = "" if prompts.turn else _template(folder) or tokenizer.chat_template or ""

    def render(self, images: int, turns: Sequence[Turn]) -> str:
        """Write everything that was said, up to where the model speaks next.

        Raises InvalidArgument for turns that are not a person's and the model's by turns, or
        hold the image token; BrokenModel where the template fails or leaves images out.
        """
        self._check(turns)
        text = (
            self._by_template(images, turns) if self._template else self._by_wording(images, turns)
        )
        if text.count(self._image) != images:
            raise BrokenModel(
                f"the model's chat template wrote {text.count(self._image)} images and not "
                f"{images}; give the model a prompt.json with a turn"
            )
        return text

    def _check(self, turns: Sequence[Turn]) -> None:
        wanted = [("person", "model")[number % 2] for number in range(len(turns))]
        if len(turns) % 2 == 0 or [turn.speaker for turn in turns] != wanted:
            raise InvalidArgument("a dialogue begins and ends with a person, the model in between")
        for turn in turns:
            if self._image in turn.text:
                raise InvalidArgument(
                    f"a turn may not hold {self._image}, which stands for an image"
                )
        if not turns[-1].text.strip():
            raise InvalidArgument("a turn is empty: say something about the image")

    def _by_wording(self, images: int, turns: Sequence[Turn]) -> str:
        asked = self._prompts.turn or TURN
        tokens = f"{self._image}\n" * images
        parts = []
        for number, turn in enumerate(turns):
            text = turn.text.strip()
            if turn.speaker == "model":
                parts.append(self._prompts.reply.replace("{text}", text))
                continue
            shown = "" if number else tokens
            if "{images}" not in asked:
                parts.append(shown + asked.replace("{text}", text))
                continue
            before, _, behind = asked.partition("{images}")
            around = [part.replace("{text}", text) for part in (before, behind)]
            parts.append(shown.join(around))
        return "".join(parts)

    def _by_template(self, images: int, turns: Sequence[Turn]) -> str:
        messages = [
            {"role": _ROLES[turn.speaker], "content": [{"type": "text", "text": turn.text.strip()}]}
            for turn in turns
        ]
        shown: list[Any] = [{"type": "image"}] * images
        messages[0]["content"] = shown + list(messages[0]["content"])
        try:
            # Rendered by the library in jinja's sandbox.
            return str(
                self._tokenizer.apply_chat_template(
                    messages,
                    chat_template=self._template,
                    tokenize=False,
                    add_generation_prompt=True,
                )
            )
        except Exception as error:
            reason = short_reason(error)
            raise BrokenModel(f"the model's chat template fails: {reason}") from None


def _template(folder: Path | None) -> str:
    """Return the chat template of the processor's files, or an empty string."""
    for name in _TEMPLATES:
        path = (folder or Path()) / name
        if folder is None or not path.is_file():
            continue
        table = read_json(path)
        found = table.get("chat_template") if isinstance(table, dict) else None
        if isinstance(found, str) and found:
            return found
    return ""
