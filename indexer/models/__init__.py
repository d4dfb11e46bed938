"""Models: names for networks, and the networks behind them.

A name leads to a row of the table, the row to files on this machine or on the hub, the files
to an encoder that turns prepared squares and texts into unit rows of one space. The table and
the files know no network library; torch and its kin are imported by the loader alone, and the
loader is imported by name. Weights are safetensors, never pickles, never remote code.
"""

from indexer.models.protocols import DualEncoder as DualEncoder
from indexer.models.protocols import PictureSpec as PictureSpec
from indexer.models.protocols import Pixels as Pixels
from indexer.models.registry import RECOMMENDED as RECOMMENDED
from indexer.models.registry import ModelEntry as ModelEntry
from indexer.models.registry import canonical as canonical
from indexer.models.registry import fetch as fetch
from indexer.models.registry import find as find
from indexer.models.registry import is_mini as is_mini
from indexer.models.registry import load as load
from indexer.models.registry import names as names
from indexer.models.stand_in import StandInEncoder as StandInEncoder
