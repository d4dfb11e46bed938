"""The table of models: its rows, and which of them are recommended for what."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from indexer.models.families import FAMILIES
from indexer.models.files.checkpoint import HUB, OPEN_CLIP, PACKAGE
from indexer.models.protocols import Role

OPEN_CLIP_LOADERS: Mapping[Role, str] = {
    "dual-encoder": "indexer.models.networks.open_clip:OpenClipEncoder"
}
_SHIPPED = Path(__file__).parent / "mini"

# open_clip's published tables (openclip_results, openclip_retrieval_results, model_profile):
# average of 38 datasets | COCO image R@1 | COCO text R@1 | image GFLOPs
#   ViT-B-32-256  datacomp_s34b_b86k     .6087 | .3993 | .5792 |  11.5
#   ViT-B-32      datacomp_xl_s13b_b90k  .5795 | .3714 | .5354 |   8.8
#   ViT-B-32      laion2b_s34b_b79k      .5694 | .3934 | .5632 |   8.8
#   ViT-B-32      openai                 .5245 | .3044 | .5012 |   8.8
#   EVA02-B-16    merged2b_s8b_b131k     .5890 | .4215 | .5874 |  35.1
#   ViT-B-16-SigLIP-256  webli           .6226 | .4834 | .6614 |  46.8
# Of all rows under 20 GFLOPs the first is best in every column but Flickr image R@1 (.649
# against .668), and on the average it beats EVA02-B/16 at a third of the cost, so that a
# laptop's CPU can index a collection. The next real step up costs four times as much.
# ViT-B-32-SigLIP2-256 finds better yet (.472 | .637, of its own paper) at those GFLOPs, and
# `models recommend`, which ranks by what is found, puts it first. The default is what is fetched
# unasked, and stays at two fifths of its download and memory.
RECOMMENDED = "clip-b32"
PUBLISHED: Mapping[Role, str] = {
    "dual-encoder": RECOMMENDED,
    "pair-scorer": "blip-itm-base",
    "captioner": "blip-caption-base",
    "answerer": "blip-vqa-base",
    "dialogue": "llava-7b",
}
SMALL: Mapping[Role, str] = {
    "dual-encoder": "mini",
    "pair-scorer": "mini-blip",
    "captioner": "mini-caption",
    "answerer": "mini-vqa",
    "dialogue": "mini-llava",
}


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A row of the table: what a name means, and where its weights come from.

    `loaders` says by role what the model can be used for and which "module:Class" does it,
    what it is best at first. `source` is "package:FOLDER", "open_clip:ARCH/TAG",
    "hf:ORG/NAME", an absolute directory, or empty for a model without weights. `repository`
    names the hub repository where it is known, so that a missing network is noticed before
    anything heavy is imported. `revision` pins its commit, or names the ref that holds the
    weights; where a ref or nothing is given, the commit that was fetched is recorded.
    `parameters` counts the weights' numbers, 0 where that is not known.
    """

    name: str
    loaders: Mapping[Role, str]
    source: str
    revision: str
    note: str
    repository: str = ""
    licence: str = ""
    parameters: int = 0

    @property
    def roles(self) -> tuple[Role, ...]:
        """Return what the model can be used for."""
        return tuple(self.loaders)


def _mini(name: str, folder: str, architecture: str, note: str) -> ModelEntry:
    source = f"{PACKAGE}{_SHIPPED / folder}"
    return ModelEntry(name, FAMILIES[architecture].loaders, source, "", note, licence="Apache-2.0")


def _tag(
    name: str, tag: str, repository: str, note: str, size: float, licence: str, revision: str = ""
) -> ModelEntry:
    count = round(size * 1e6)
    return ModelEntry(
        name, OPEN_CLIP_LOADERS, OPEN_CLIP + tag, revision, note, repository, licence, count
    )


def _hub(
    name: str,
    repository: str,
    architecture: str,
    note: str,
    size: float,
    licence: str,
    revision: str = "",
) -> ModelEntry:
    loaders, count = FAMILIES[architecture].loaders, round(size * 1e6)
    return ModelEntry(name, loaders, HUB + repository, revision, note, repository, licence, count)


_ROWS = [
    ModelEntry(
        "mini",
        OPEN_CLIP_LOADERS,
        f"{PACKAGE}{_SHIPPED / 'clip'}",
        "",
        "shipped, needs no download; knows drawn shapes only, on photos a stand-in",
        licence="Apache-2.0",
    ),
    _mini("mini-clip", "clip-hf", "CLIPModel", "shipped: mini, as transformers loads it"),
    _mini("mini-align", "align", "AlignModel", "shipped: a small ALIGN for drawn shapes"),
    _mini("mini-blip", "blip", "BlipForImageTextRetrieval", "shipped: rereads drawn scenes"),
    _mini(
        "mini-caption", "caption", "BlipForConditionalGeneration", "shipped: describes drawn scenes"
    ),
    _mini("mini-vqa", "vqa", "BlipForQuestionAnswering", "shipped: answers about drawn scenes"),
    _mini(
        "mini-instructblip",
        "instructblip",
        "InstructBlipForConditionalGeneration",
        "shipped: follows instructions about drawn scenes",
    ),
    _mini(
        "mini-llava", "llava", "LlavaForConditionalGeneration", "shipped: chats about drawn scenes"
    ),
    _tag(
        "clip-b32",
        "ViT-B-32-256/datacomp_s34b_b86k",
        "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        "recommended: quick on a CPU, 605 MB",
        151.29,
        "MIT",
        "4afec35ffe57a943d569ff7ee888061830164da8",
    ),
    _tag(
        "clip-b32-laion",
        "ViT-B-32/laion2b_s34b_b79k",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "the quickest of the larger-data CLIPs, 605 MB",
        151.28,
        "MIT",
    ),
    _tag(
        "clip-b32-openai",
        "ViT-B-32-quickgelu/openai",
        "timm/vit_base_patch32_clip_224.openai",
        "the original CLIP, for comparison with published figures, 605 MB",
        151.28,
        "MIT",
    ),
    _tag(
        "clip-b16",
        "EVA02-B-16/merged2b_s8b_b131k",
        "timm/eva02_base_patch16_clip_224.merged2b_s8b_b131k",
        "finer patches, 3 times the cost of clip-b32, 600 MB",
        149.69,
        "MIT",
    ),
    _tag(
        "clip-l14",
        "ViT-L-14/laion2b_s32b_b82k",
        "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
        "large, 14 times the cost of clip-b32: for a GPU, 1.7 GB",
        427.62,
        "MIT",
    ),
    _tag(
        "siglip-b16",
        "ViT-B-16-SigLIP-256/webli",
        "timm/ViT-B-16-SigLIP-256",
        "better retrieval than any CLIP of its size, 4 times clip-b32, 810 MB",
        203.2,
        "Apache-2.0",
    ),
    _tag(
        "siglip2-b32",
        "ViT-B-32-SigLIP2-256/webli",
        "timm/ViT-B-32-SigLIP2-256",
        "many languages at the cost of clip-b32, 1.5 GB",
        376.86,
        "Apache-2.0",
    ),
    _tag(
        "siglip2-b16",
        "ViT-B-16-SigLIP2-256/webli",
        "timm/ViT-B-16-SigLIP2-256",
        "many languages, 4 times the cost of clip-b32, 1.5 GB",
        375.23,
        "Apache-2.0",
    ),
    _hub(
        "clip-b32-hf",
        "openai/clip-vit-base-patch32",
        "CLIPModel",
        "the original CLIP, as transformers loads it, 605 MB",
        151.28,
        "MIT",
        "refs/pr/15",  # here and below: main holds pickles only, a pull request safetensors
    ),
    _hub(
        "align-base",
        "kakaobrain/align-base",
        "AlignModel",
        "an EfficientNet and a BERT; sees fine detail, 690 MB",
        172.12,
        "",
    ),
    _hub(
        "blip-itm-base",
        "Salesforce/blip-itm-base-coco",
        "BlipForImageTextRetrieval",
        "recommended for reranking, 900 MB",
        223.74,
        "BSD-3-Clause",
        "refs/pr/6",
    ),
    _hub(
        "blip-itm-large",
        "Salesforce/blip-itm-large-coco",
        "BlipForImageTextRetrieval",
        "rereads better than blip-itm-base at 3 times the cost, 1.8 GB",
        446.13,
        "BSD-3-Clause",
    ),
    _hub(
        "blip-caption-base",
        "Salesforce/blip-image-captioning-base",
        "BlipForConditionalGeneration",
        "recommended for describing, 990 MB",
        223.97,
        "BSD-3-Clause",
        "refs/pr/50",
    ),
    _hub(
        "blip-caption-large",
        "Salesforce/blip-image-captioning-large",
        "BlipForConditionalGeneration",
        "describes better than blip-caption-base at 3 times the cost, 1.9 GB",
        446.29,
        "BSD-3-Clause",
    ),
    _hub(
        "blip-vqa-base",
        "Salesforce/blip-vqa-base",
        "BlipForQuestionAnswering",
        "recommended for questions: answers of a word or two, 1.5 GB",
        361.23,
        "BSD-3-Clause",
    ),
    _hub(
        "instructblip-flan-t5-xl",
        "Salesforce/instructblip-flan-t5-xl",
        "InstructBlipForConditionalGeneration",
        "answers in sentences and follows instructions: for a GPU, 16 GB",
        4022.5,
        "MIT",
    ),
    _hub(
        "instructblip-vicuna-7b",
        "Salesforce/instructblip-vicuna-7b",
        "InstructBlipForConditionalGeneration",
        "the larger InstructBLIP: for a GPU, 32 GB",
        7913.0,
        "LLaMA 1, non-commercial",
    ),
    _hub(
        "llava-7b",
        "llava-hf/llava-1.5-7b-hf",
        "LlavaForConditionalGeneration",
        "recommended for dialogues: for a GPU, 14 GB",
        7063.4,
        "Llama 2",
    ),
    ModelEntry(
        "stand-in",
        {"dual-encoder": "indexer.models.networks.fake:FakeEncoder"},
        "",
        "",
        "for tests: no understanding",
        licence="Apache-2.0",
    ),
]
TABLE: Mapping[str, ModelEntry] = {row.name: row for row in _ROWS}
