"""Mini InstructBLIP: BLIP's tower, a Q-Former that hears the question, and a small Llama."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import InstructBlipConfig, InstructBlipForConditionalGeneration
from transformers.models.instructblip.processing_instructblip import InstructBlipProcessor

from indexer.models.mini.scenes.questions import INSTRUCTION
from indexer.models.mini.scenes.words import (
    END_ID,
    IMAGE,
    PAD_ID,
    SPECIALS,
    START_ID,
    bert_tokenizer,
    ids,
    speaking_ids,
    speaking_tokenizer,
)
from indexer.models.mini.training.blip import HEADS, PATCH, WIDTH, picture_processor
from indexer.models.mini.training.dataset import Dataset, Ids, token_ids
from indexer.models.mini.training.layout import save_model
from indexer.models.mini.training.llava import llama_config
from indexer.models.mini.training.render_cache import IMAGE_SIZE, MAX_WORDS, UNSAID

QUERIES = 16
MOST_TOKENS = 128
MOST_HEARD = 40  # by the Q-Former, as by the BLIP that it comes from


def instruct_blip_config() -> InstructBlipConfig:
    """Describe the model: six layers of vision, three of Q-Former, three of Llama."""
    stack = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_attention_heads": HEADS,
    }
    return InstructBlipConfig(
        vision_config={
            **stack,
            "num_hidden_layers": 6,
            "image_size": IMAGE_SIZE,
            "patch_size": PATCH,
            "layer_norm_eps": 1e-5,
            "initializer_range": 0.02,
        },
        qformer_config={
            **stack,
            "vocab_size": len(ids()),
            "encoder_hidden_size": WIDTH,
            "num_hidden_layers": 3,
            "max_position_embeddings": MOST_HEARD,
            "pad_token_id": PAD_ID,
            "cross_attention_frequency": 1,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        text_config=llama_config(3, MOST_TOKENS),
        num_query_tokens=QUERIES,
        image_token_index=speaking_ids()[IMAGE],
    )


def as_qformer(text: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put the weights of BLIP's text encoder under the names of a Q-Former's.

    Queries pass through layers of their own after attention, which begin as the words' own do.
    """
    made: dict[str, Tensor] = {}
    for name, tensor in text.items():
        ours = name.replace("embeddings.LayerNorm", "embeddings.layernorm")
        ours = ours.replace("attention.self.", "attention.attention.")
        made[ours] = tensor
        for part in (".intermediate.", ".output."):
            if part in ours and "attention" not in ours:
                made[ours.replace(part, f"{part[:-1]}_query.")] = tensor
    return made


def save_instruct_blip(model: InstructBlipForConditionalGeneration, directory: Path) -> None:
    """Write the model in the published layout, replacing an older one."""
    build: Any = InstructBlipProcessor  # the library leaves its constructor untyped
    processor = build(
        picture_processor(),
        speaking_tokenizer(MOST_TOKENS, image_named=False),
        bert_tokenizer(MOST_HEARD),
        num_query_tokens=QUERIES,
    )
    save_model(model, processor, directory, {"describe": INSTRUCTION})


class InstructionLoss:
    """InstructBLIP's loss: instructions about a picture, each answered through its own queries."""

    def __init__(
        self,
        model: InstructBlipForConditionalGeneration,
        dataset: Dataset,
        batch: int,
        each: int = 5,
    ) -> None:
        self._model, self._dataset = model, dataset
        self._batch, self._each = batch, each
        self._device = next(model.parameters()).device
        spelled = [ids()[word] - len(SPECIALS) + 1 for word in INSTRUCTION.split()]
        self._instruction = np.array(spelled, np.int64)

    def __call__(self, progress: float) -> Tensor:
        """Return the mean cross entropy of the answers' words."""
        rows = self._dataset.rows(self._batch)
        at, asked, answers = self._exercises(rows)
        heard = self._dataset.sentences(asked, START_ID)
        tokens, targets = self._written(asked, answers)
        pictures = self._dataset.pictures(rows)
        model = self._model
        with torch.autocast(self._device.type, dtype=torch.bfloat16):
            seen = model.vision_model(pixel_values=pictures).last_hidden_state
            queries = model.query_tokens.expand(len(at), -1, -1)
            open_to_all = torch.ones(queries.shape[:2], dtype=torch.long, device=self._device)
            gathered = model.qformer(
                input_ids=heard.tokens,
                attention_mask=torch.cat([open_to_all, heard.mask], dim=1),
                query_embeds=queries,
                encoder_hidden_states=seen[torch.from_numpy(at).to(self._device)],
            )[0][:, :QUERIES]
            prefix = model.language_projection(gathered)
            words = model.get_input_embeddings()(tokens[:, QUERIES:])
            logits = model.language_model(
                inputs_embeds=torch.cat([prefix, words.to(prefix.dtype)], dim=1),
                attention_mask=(tokens != PAD_ID).long(),
            ).logits
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=UNSAID)

    def _exercises(self, rows: Ids) -> tuple[Ids, Ids, Ids]:
        """Choose questions of every scene and one request for its description."""
        at, questions, replies = self._dataset.asked(rows, self._each)
        said, _ = self._dataset.captions(rows, 1.0, 0.0)
        request = np.zeros((len(rows), questions.shape[1]), np.int64)
        request[:, : len(self._instruction)] = self._instruction
        single = np.zeros((len(questions), MAX_WORDS), np.int64)
        single[:, 0] = replies
        return (
            np.concatenate([at, np.arange(len(rows))]),
            np.concatenate([questions, request]),
            np.concatenate([single, said]),
        )

    def _written(self, asked: Ids, answers: Ids) -> tuple[Tensor, Tensor]:
        # Queries, start, question, answer: the order that the published processor writes.
        image = speaking_ids()[IMAGE]
        lines, wanted = [], []
        for question, answer in zip(asked, answers, strict=True):
            prompt = [image] * QUERIES + [START_ID] + token_ids(question)
            said = token_ids(answer)
            lines.append(prompt + said)
            wanted.append([UNSAID] * (len(prompt) - 1) + [*said, END_ID])
        longest = max(map(len, lines))
        batch = np.full((2, len(lines), longest), PAD_ID, np.int64)
        batch[1] = UNSAID
        for row, (line, targets) in enumerate(zip(lines, wanted, strict=True)):
            batch[0, row, : len(line)] = line
            batch[1, row, : len(targets)] = targets
        tokens, targets_tensor = torch.from_numpy(batch).to(self._device)
        return tokens, targets_tensor
