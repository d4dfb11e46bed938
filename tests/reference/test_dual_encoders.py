"""Dual encoders against published logits, probabilities and cosines."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from indexer.models import load
from indexer.models.protocols import DualEncoder, ImageSpec, Pixels

pytestmark = pytest.mark.slow
Prepared = Callable[[str, ImageSpec], Pixels]
Here = Callable[..., str]
CATS = "hf-expected/000000039769.png"
SNOW = (
    "sbert-image-search/examples/sentence_transformer/applications/image-search/"
    "two_dogs_in_snow.jpg"
)
CLIPS = ("clip-b32-hf", "clip-b32-openai")  # the same weights, through two libraries


def cosines(encoder: DualEncoder, pixels: Pixels, texts: list[str]) -> Any:
    """Return (images, texts) float32."""
    return encoder.encode_images(pixels) @ encoder.encode_texts(texts).T


@pytest.fixture(params=CLIPS)
def clip(request: pytest.FixtureRequest, here: Here) -> DualEncoder:
    """CLIP ViT-B/32, through one library and the other."""
    return load(here(request.param), device="cpu")


def test_clip_gives_the_published_logits(
    clip: DualEncoder, image: Prepared, expected: dict[str, Any]
) -> None:
    told = expected["clip"]
    scale = clip._network.logit_scale.exp().item()  # type: ignore[attr-defined]
    logits = scale * cosines(clip, image(CATS, clip.image_spec), told["texts"])
    np.testing.assert_allclose(logits, told["logits_per_image"], atol=told["tol"])


def test_clip_sees_an_image_of_another_size_as_published(
    here: Here, image: Prepared, expected: dict[str, Any]
) -> None:
    from indexer.models.networks.clip import ClipEncoder
    from indexer.models.networks.pretrained import normalise

    told = expected["clip"]["interpolate_pos_180px"]
    encoder = load(here("clip-b32-hf"), device="cpu")
    assert isinstance(encoder, ClipEncoder)
    spec = ImageSpec(180, encoder.image_spec.mean, encoder.image_spec.std)
    planes = normalise(torch.from_numpy(image(CATS, spec).copy()), spec, encoder._placement.device)
    seen = encoder._network.vision_model(planes, interpolate_pos_encoding=True).last_hidden_state
    assert list(seen.shape) == told["last_hidden_state_shape"]
    np.testing.assert_allclose(
        seen[0, :3, :3].detach().numpy(), told["slice_0_3x3"], atol=told["tol"]
    )


def test_clip_gives_the_probabilities_of_its_readme(
    clip: DualEncoder, image: Prepared, expected: dict[str, Any]
) -> None:
    told = expected["openai_clip_readme"]
    pixels = image("openai-clip/CLIP.png", clip.image_spec)
    scores = 100 * cosines(clip, pixels, told["texts"])
    powers = np.exp(scores - scores.max())
    # The README's were computed in fp16 on a GPU.
    np.testing.assert_allclose(powers / powers.sum(), told["probs"], atol=2e-3)


def test_clip_gives_the_cosines_of_sentence_transformers(
    clip: DualEncoder, image: Prepared, expected: dict[str, Any]
) -> None:
    told = expected["sbert"]
    found = cosines(clip, image(SNOW, clip.image_spec), told["texts"])[0]
    np.testing.assert_allclose(found, told["cosine"], atol=told["tol"])


def test_align_gives_the_published_logits(
    here: Here, image: Prepared, expected: dict[str, Any]
) -> None:
    told = expected["align"]
    encoder = load(here("align-base"), device="cpu")
    temperature = encoder._network.temperature.item()  # type: ignore[attr-defined]
    logits = cosines(encoder, image(CATS, encoder.image_spec), told["texts"]) / temperature
    np.testing.assert_allclose(logits, told["logits_per_image"], atol=told["tol"])


def test_siglip_gives_the_published_logits_and_probabilities(
    here: Here, image: Prepared, expected: dict[str, Any]
) -> None:
    told = expected["siglip"]
    name = here(
        "open_clip:ViT-B-16-SigLIP/webli", "timm/ViT-B-16-SigLIP", "open_clip_model.safetensors"
    )
    encoder = load(name, device="cpu")
    network = encoder._network  # type: ignore[attr-defined]
    found = cosines(encoder, image(CATS, encoder.image_spec), told["texts"])
    logits = network.logit_scale.exp().item() * found + network.logit_bias.item()
    # The library's own weights, in the layout of another: the last digits may differ.
    np.testing.assert_allclose(logits, told["logits_per_image"], atol=10 * told["tol"])
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), told["probs"], atol=10 * told["tol"])
