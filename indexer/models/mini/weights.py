"""The paths of the mini models' weights in the package."""

from pathlib import Path

_HERE = Path(__file__).parent

CLIP_DIRECTORY = _HERE / "clip"
CLIP_HF_DIRECTORY = _HERE / "clip-hf"
ALIGN_DIRECTORY = _HERE / "align"
BLIP_DIRECTORY = _HERE / "blip"
CAPTION_DIRECTORY = _HERE / "caption"
VQA_DIRECTORY = _HERE / "vqa"
INSTRUCT_BLIP_DIRECTORY = _HERE / "instructblip"
LLAVA_DIRECTORY = _HERE / "llava"
