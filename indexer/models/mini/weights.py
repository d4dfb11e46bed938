"""Where the mini models' weights lie within the package."""

from pathlib import Path

CLIP_DIRECTORY = Path(__file__).parent / "clip"
