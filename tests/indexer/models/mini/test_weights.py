from indexer.models.mini.training.checkpoint import CARD_NAME, CONFIG_NAME, WEIGHTS_NAME
from indexer.models.mini.training.tokenizer import BPE_NAME, bpe_file
from indexer.models.mini.weights import CLIP_DIRECTORY


def test_the_shipped_clip_has_all_its_files() -> None:
    for name in (CARD_NAME, CONFIG_NAME, WEIGHTS_NAME, BPE_NAME):
        assert (CLIP_DIRECTORY / name).is_file()


def test_the_shipped_tokenizer_is_the_one_we_would_build_today() -> None:
    assert (CLIP_DIRECTORY / BPE_NAME).read_bytes() == bpe_file()
