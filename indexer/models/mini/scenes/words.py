"""One token for every word: the vocabulary and tokenizers of the mini models beside CLIP."""

from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertTokenizer, PreTrainedTokenizerFast

from indexer.models.mini.scenes.phrases import vocabulary
from indexer.models.mini.scenes.questions import ASKING_WORDS

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
DECODE = "[DEC]"
SPECIALS = (PAD, UNKNOWN, START, END, "[MASK]", DECODE, "[ENC]")
PAD_ID, UNKNOWN_ID, START_ID, END_ID, DECODE_ID = 0, 1, 2, 3, 5
IMAGE = "<image>"
# What a dialogue is written with, as LLaVA's published template has it.
SPEAKING_WORDS = ("user", "assistant", ":")


def words() -> tuple[str, ...]:
    """List the words in the order of their numbers: those of captions first."""
    return (*vocabulary(), *ASKING_WORDS)


def ids() -> dict[str, int]:
    """Map every token of the BERT-like models to its id."""
    return {token: number for number, token in enumerate((*SPECIALS, *words()))}


def speaking_ids() -> dict[str, int]:
    """Map every token of the language models to its id: those of `ids`, and a few more."""
    return {token: number for number, token in enumerate((*ids(), *SPEAKING_WORDS, IMAGE))}


def bert_tokenizer(most: int) -> BertTokenizer:
    """Build the tokenizer that BLIP, ALIGN and Q-Former checkpoints bring."""
    # transformers 5 ignores a vocabulary file here without a word, so it gets the table.
    return BertTokenizer(vocab=ids(), model_max_length=most, bos_token=DECODE)


def speaking_tokenizer(most: int, image_named: bool) -> PreTrainedTokenizerFast:
    """Build the tokenizer of a language model: a start token, words, the picture's place.

    LLaVA's processor wants the place under a name of the tokenizer's, InstructBLIP's fails there.
    """
    table = speaking_ids()
    tokenizer = Tokenizer(WordLevel(table, unk_token=UNKNOWN))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, START_ID)]
    )
    build: Any = PreTrainedTokenizerFast  # the library leaves its constructor untyped
    made: PreTrainedTokenizerFast = build(
        tokenizer_object=tokenizer,
        model_max_length=most,
        padding_side="left",  # so that an answer begins where its question ends
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=END,
        extra_special_tokens={"image_token": IMAGE} if image_named else [IMAGE],
    )
    return made
