"""Mini LLaVA: a CLIP tower, a projector and a small Llama that speaks about the picture."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import LlavaConfig, LlavaForConditionalGeneration
from transformers.models.llava.processing_llava import LlavaProcessor

from indexer.models.mini.scenes.questions import INSTRUCTION
from indexer.models.mini.scenes.words import (
    END_ID,
    IMAGE,
    PAD_ID,
    SPECIALS,
    START_ID,
    ids,
    speaking_ids,
    speaking_tokenizer,
)
from indexer.models.mini.training.blip import HEADS, PATCH, WIDTH, vision_config
from indexer.models.mini.training.clip_hf import clip_image_processor
from indexer.models.mini.training.dataset import Dataset, Ids, token_ids
from indexer.models.mini.training.layout import save_model
from indexer.models.mini.training.render_cache import IMAGE_SIZE, UNSAID

PLACES = (IMAGE_SIZE // PATCH) ** 2
MOST_TOKENS = 512
TURNS = 4
# The template of llava-hf/llava-1.5-7b-hf, for one picture or several in the first turn.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ message['role'].upper() + ': ' }}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\n' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ content['text'] + ' ' }}{% endfor %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def llama_config(layers: int, context: int) -> dict[str, Any]:
    """Describe a small Llama of so many layers that reads so many tokens."""
    return {
        "model_type": "llama",
        "vocab_size": len(speaking_ids()),
        "hidden_size": WIDTH,
        "intermediate_size": 384,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": context,
        "bos_token_id": START_ID,
        "eos_token_id": END_ID,
        "pad_token_id": PAD_ID,
        "tie_word_embeddings": False,
    }


def llava_config() -> LlavaConfig:
    """Describe the model: mini CLIP's tower and four layers of Llama."""
    return LlavaConfig(
        vision_config={
            **vision_config(),
            "model_type": "clip_vision_model",
            "hidden_act": "gelu",
        },
        text_config=llama_config(4, MOST_TOKENS),
        image_token_index=speaking_ids()[IMAGE],
        image_seq_length=PLACES,
        vision_feature_layer=-1,  # where the tower, come from a captioner, tells most
        vision_feature_select_strategy="default",
        projector_hidden_act="gelu",
        tie_word_embeddings=False,
    )


def save_llava(model: LlavaForConditionalGeneration, directory: Path) -> None:
    """Write the model in the published layout, replacing an older one."""
    build: Any = LlavaProcessor  # the library leaves its constructor untyped
    processor = build(
        clip_image_processor(),
        speaking_tokenizer(MOST_TOKENS, image_named=True),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,  # the class token, which the strategy drops again
        chat_template=CHAT_TEMPLATE,
    )
    save_model(model, processor, directory, {"describe": INSTRUCTION})


class DialogueLoss:
    """LLaVA's loss: a dialogue of several turns about each picture, learnt where it answers.

    A turn is asked either for the whole description or for a word; an end token follows every
    answer as its target, and stands between turns in half of the batches only, because templates
    differ in that.
    """

    def __init__(self, model: LlavaForConditionalGeneration, dataset: Dataset, batch: int) -> None:
        self._model, self._dataset, self._batch = model, dataset, batch
        self._rng = np.random.default_rng(7)
        table = speaking_ids()
        self._person = [table["user"], table[":"]]
        self._machine = [table["assistant"], table[":"]]
        self._places = [table[IMAGE]] * PLACES
        self._instruction = [ids()[word] for word in INSTRUCTION.split()]

    def __call__(self, progress: float) -> Tensor:
        """Return the mean cross entropy of the answers' words."""
        rows = self._dataset.rows(self._batch)
        tokens, targets = self._dialogues(rows)
        pictures = self._dataset.pictures(rows)
        with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
            logits = self._model(
                input_ids=tokens, pixel_values=pictures, attention_mask=(tokens != PAD_ID).long()
            ).logits
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=UNSAID)

    def _dialogues(self, rows: Ids) -> tuple[Tensor, Tensor]:
        at, asked, replies = self._dataset.asked(rows, TURNS)
        said, _ = self._dataset.captions(rows, 1.0, 0.0)
        closed = self._rng.random() < 0.5
        turns: list[list[tuple[list[int], list[int]]]] = [[] for _ in rows]
        for row, question, reply in zip(at, asked, replies, strict=True):
            turns[row].append((token_ids(question), [int(reply) + len(SPECIALS) - 1]))
        pairs = []
        for row, caption in enumerate(said):
            where = self._rng.integers(len(turns[row]) + 1) if self._rng.random() < 0.5 else 0
            turns[row].insert(int(where), (self._instruction, token_ids(caption)))
            pairs.append(self._written(turns[row], closed))
        longest = max(len(tokens) for tokens, _ in pairs)
        batch = np.full((2, len(pairs), longest), PAD_ID, np.int64)
        batch[1] = UNSAID
        for row, (tokens, targets) in enumerate(pairs):
            batch[0, row, : len(tokens)] = tokens
            batch[1, row, : len(targets)] = targets
        device = next(self._model.parameters()).device
        tokens, targets = torch.from_numpy(batch).to(device)
        return tokens, targets

    def _written(
        self, turns: list[tuple[list[int], list[int]]], closed: bool
    ) -> tuple[list[int], list[int]]:
        tokens: list[int] = [START_ID]
        targets: list[int] = []
        for number, (question, answer) in enumerate(turns):
            tokens += self._person + (self._places if number == 0 else [])
            tokens += question + self._machine
            targets += [UNSAID] * (len(tokens) - 1 - len(targets))
            tokens += answer
            targets += [*answer, END_ID]  # what follows the colon and each word of the answer
            if closed:
                tokens.append(END_ID)
        return tokens, targets
