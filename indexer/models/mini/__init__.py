"""Tiny models trained by our own script, with a seed, on scenes drawn by us.

`scenes` plans a picture, `drawing` draws it, `phrases` says what is true of it and
`counterfactuals` what is nearly true. `train` turns them into models, `report` measures those on
scenes held out, and `weights` says where they lie. Nothing here loads torch but `train` and what
it names.
"""

from indexer.models.mini.scenes.counterfactuals import Negative as Negative
from indexer.models.mini.scenes.counterfactuals import negatives as negatives
from indexer.models.mini.scenes.drawing import draw as draw
from indexer.models.mini.scenes.phrases import captions as captions
from indexer.models.mini.scenes.scenes import Content as Content
from indexer.models.mini.scenes.scenes import Scene as Scene
from indexer.models.mini.scenes.scenes import held_out as held_out
from indexer.models.mini.weights import CLIP_DIRECTORY as CLIP_DIRECTORY
