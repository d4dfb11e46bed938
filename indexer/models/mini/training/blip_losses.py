"""What the mini BLIPs learn by: saying captions, telling true from false, answering."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
    BlipForQuestionAnswering,
)

from indexer.models.mini.scenes.hard_negatives import swapped
from indexer.models.mini.scenes.words import DECODE_ID, START_ID
from indexer.models.mini.training.contrast import Probe, contrastive_loss
from indexer.models.mini.training.dataset import Dataset, Ids, Sentences
from indexer.models.mini.training.render_cache import UNSAID


class CaptionLoss:
    """BLIP's language loss: each picture's first caption, and one more of the others.

    `probe`, thrown away afterwards, reads the scene's content from the tower's class token: one
    word in fourteen says how things stand, too few for the language loss to keep the tower to it.
    """

    def __init__(
        self, model: BlipForConditionalGeneration, probe: Probe, dataset: Dataset, batch: int
    ) -> None:
        self._model, self._probe = model, probe
        self._dataset, self._batch = dataset, batch

    def __call__(self, progress: float) -> Tensor:
        """Return the mean cross entropy of the next word."""
        rows = self._dataset.rows(self._batch, 0.5)
        first, _ = self._dataset.captions(rows, 1.0, 0.0)
        other, _ = self._dataset.captions(rows, 0.0, 0.4)
        said = self._dataset.sentences(_stacked(first, other), DECODE_ID)
        pictures = self._dataset.pictures(rows)
        with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
            seen = self._model.vision_model(pixel_values=pictures).last_hidden_state
            logits = self._model.text_decoder(
                input_ids=said.tokens,
                attention_mask=said.mask,
                encoder_hidden_states=seen.repeat(2, 1, 1),
            ).logits
        return next_word(logits, said) + read_content(self._probe, seen, self._dataset, rows)


def read_content(probe: Probe, seen: Tensor, dataset: Dataset, rows: Ids) -> Tensor:
    """Return the probe's loss on the class token of (n, places, width) features."""
    loss: Tensor = probe(F.normalize(seen[:, 0].float(), dim=-1), dataset.content(rows))
    return loss


def next_word(logits: Tensor, said: Sentences) -> Tensor:
    """Return the mean cross entropy of each token after the first, padding left out."""
    targets = said.tokens.masked_fill(said.mask == 0, UNSAID)[:, 1:]
    return F.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), targets.flatten(), ignore_index=UNSAID
    )


def _stacked(*parts: Ids) -> Ids:
    return np.concatenate(parts)


class MatchingLoss:
    """BLIP's contrastive and matching losses, and where in a false caption the falsehood is.

    Negatives are captions of near-alike scenes and, as in BLIP, of strangers that the contrastive
    head takes for true. The matching loss alone is one bit a pair and learns binding slowly; the
    extra layer `where`, thrown away afterwards, asks of every word whether this picture makes it
    false, which is the replaced-token loss of ELECTRA with pictures.
    """

    def __init__(
        self,
        model: BlipForImageTextRetrieval,
        where: nn.Linear,
        probe: Probe,
        dataset: Dataset,
        batch: int,
    ) -> None:
        self._model, self._where, self._probe = model, where, probe
        self._dataset = dataset
        self._batch = batch
        self._rng = np.random.default_rng(11)
        self._scale = 20.0

    def __call__(self, progress: float) -> Tensor:
        """Return the sum of the contrastive, matching and word losses."""
        dataset, model = self._dataset, self._model
        rows = dataset.rows(self._batch, 0.5)
        true, slots = dataset.captions(rows, 0.6, 0.4)
        short, _ = dataset.captions(rows, 0.0, 0.0)
        near = [self._sibling_words(rows, slots), self._twins(true, rows, slots)]
        pictures = dataset.pictures(rows)
        with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
            seen = model.vision_model(pixel_values=pictures).last_hidden_state
            contrast, strangers = self._contrast(seen, true, dataset.also_true(rows, slots))
            other, holds = dataset.short_of_others(rows)
            texts = _stacked(true, short, *near, true[strangers], other)
            said = dataset.sentences(texts, START_ID)
            read = model.text_encoder(
                input_ids=said.tokens,
                attention_mask=said.mask,
                encoder_hidden_states=seen.repeat(6, 1, 1),
            ).last_hidden_state
            judged = model.itm_head(read[:, 0]).float()
            words = self._where(read).float().squeeze(-1)
        count = len(rows)
        labels = torch.zeros(6 * count, dtype=torch.long, device=judged.device)
        labels[: 2 * count] = 1
        labels[5 * count :] = torch.from_numpy(holds).to(labels)
        weight = torch.tensor([1.0, 1.8], device=judged.device)  # about two true to four false
        matching = F.cross_entropy(judged, labels, weight=weight)
        read_out = read_content(self._probe, seen, dataset, rows)
        return contrast + 2 * matching + self._word_loss(words, said, count) + read_out

    def _twins(self, true: Ids, rows: Ids, slots: Ids) -> Ids:
        """Exchange two objects of each caption; where there is one only, take a sibling's."""
        twins, false = swapped(true, self._rng)
        return np.where(false[:, None], twins, self._sibling_words(rows, slots))

    def _sibling_words(self, rows: Ids, slots: Ids) -> Ids:
        # In the same form of words where the sibling's scene has it, so that words line up.
        kin = self._dataset.siblings(rows)
        return self._dataset.caption(kin, slots % self._dataset.full(kin))

    def _contrast(self, seen: Tensor, true: Ids, same: Tensor) -> tuple[Tensor, Ids]:
        said = self._dataset.sentences(true, START_ID)
        model = self._model
        texts = model.text_encoder(input_ids=said.tokens, attention_mask=said.mask)
        pictures = F.normalize(model.vision_proj(seen[:, 0]).float(), dim=-1)
        sentences = F.normalize(model.text_proj(texts.last_hidden_state[:, 0]).float(), dim=-1)
        scale = torch.tensor(self._scale, device=same.device)
        loss = contrastive_loss(pictures, sentences, scale, same)
        with torch.no_grad():
            odds = (self._scale * pictures @ sentences.T).softmax(1)
            odds = (odds + 1e-6).masked_fill(same, 0).fill_diagonal_(0)
            strangers = torch.multinomial(odds, 1).squeeze(1)
        chosen: Ids = strangers.cpu().numpy()
        return loss, chosen

    def _word_loss(self, words: Tensor, said: Sentences, count: int) -> Tensor:
        tokens, mask = said.tokens, said.mask
        true = tokens[:count]
        losses = []
        for part in (0, 2, 3):
            span = slice(part * count, (part + 1) * count)
            lined_up = (mask[span].sum(1) == mask[:count].sum(1))[:, None]
            counted = (mask[span].bool() & lined_up)[:, 1:]
            wrong = (tokens[span] != true)[:, 1:]
            each = F.binary_cross_entropy_with_logits(
                words[span][:, 1:],
                wrong.float(),
                pos_weight=torch.tensor(4.0, device=words.device),
                reduction="none",
            )
            losses.append((each * counted).sum() / counted.sum().clamp(min=1))
        return torch.stack(losses).mean()


class AnsweringLoss:
    """BLIP's question answering: several questions about each picture, answers word by word."""

    def __init__(
        self, model: BlipForQuestionAnswering, dataset: Dataset, batch: int, each: int = 6
    ) -> None:
        self._model, self._dataset = model, dataset
        self._batch, self._each = batch, each

    def __call__(self, progress: float) -> Tensor:
        """Return the mean cross entropy of the answers' words."""
        rows = self._dataset.rows(self._batch)
        at, asked, replies = self._dataset.asked(rows, self._each)
        question = self._dataset.sentences(asked, START_ID)
        answer = self._dataset.sentences(replies[:, None], DECODE_ID)
        pictures = self._dataset.pictures(rows)
        with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
            seen = self._model.vision_model(pixel_values=pictures).last_hidden_state
            read = self._model.text_encoder(
                input_ids=question.tokens,
                attention_mask=question.mask,
                encoder_hidden_states=seen[torch.from_numpy(at).to(seen.device)],
            ).last_hidden_state
            logits = self._model.text_decoder(
                input_ids=answer.tokens,
                attention_mask=answer.mask,
                encoder_hidden_states=read,
                encoder_attention_mask=question.mask,
            ).logits
        return next_word(logits, answer)
