"""What a model is told beside its image: the wording it was taught with."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

from indexer.models.files.safe_json import read_json
from storage.errors import BrokenModel

PROMPTS = "prompt.json"
_PLACES = {"answer": "{question}", "turn": "{text}", "reply": "{text}"}


@dataclass(frozen=True, slots=True)
class Prompts:
    """The wording of one model; a checkpoint's `prompt.json` may name any of these keys.

    `describe` asks for a caption and `answer` is what a question becomes. The other two build
    a dialogue: `turn` is what a person's words become, up to where the model speaks, and
    `reply` what follows it when the model's words are history. `{images}` in `turn` is where
    the images of the first turn stand, at its front if it is not named. With `turn` empty
    the tokenizer's chat template is used, or LLaVA 1.5's where there is none.
    """

    describe: str
    answer: str = "{question}"
    turn: str = ""
    reply: str = " {text}</s>"

    @classmethod
    def read(cls, folder: Path | None, usual: "Prompts") -> "Prompts":
        """Return a model's usual wording with what its folder says otherwise.

        Raises BrokenModel for a file that is no such table, or lacks the place for the words.
        """
        path = (folder or Path()) / PROMPTS
        if folder is None or not path.is_file():
            return usual
        said = _table(path)
        for key, place in _PLACES.items():
            if place not in said.get(key, place):
                raise BrokenModel(f"{path} has no {place} in {key!r}")
        return replace(usual, **said)

    def asking(self, question: str) -> str:
        """Return what a question becomes."""
        return self.answer.replace("{question}", question)


def _table(path: Path) -> dict[str, str]:
    table = read_json(path)
    names = {field.name for field in fields(Prompts)}
    if not isinstance(table, dict) or not table.keys() <= names:
        raise BrokenModel(f"{path} must hold a JSON object with keys of {', '.join(sorted(names))}")
    wrong = [key for key, value in table.items() if not isinstance(value, str) or not value]
    if wrong:
        raise BrokenModel(f"{path} must give {wrong[0]!r} a text")
    return table
