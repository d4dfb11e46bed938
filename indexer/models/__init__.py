"""Models: names for networks, and the networks behind them.

A name leads to a row of the table, the row to files on this machine or on the hub, the files
to a dual encoder, which turns prepared squares and texts into unit rows of one space, or to a
reader, which scores pairs, describes, answers or talks. The table and the files know no network
library; torch and its kin are imported by the loader alone, and the loader is imported by
name. Weights are safetensors, never pickles, never remote code.
"""

from indexer.models.cache import cached as cached
from indexer.models.cache import memory_need as memory_need
from indexer.models.cache import pull as pull
from indexer.models.files.checkpoint import Checkpoint as Checkpoint
from indexer.models.files.download import DownloadProgress as DownloadProgress
from indexer.models.networks.fake import FakeEncoder as FakeEncoder
from indexer.models.protocols import Answerer as Answerer
from indexer.models.protocols import Captioner as Captioner
from indexer.models.protocols import ChatModel as ChatModel
from indexer.models.protocols import DualEncoder as DualEncoder
from indexer.models.protocols import ImageSpec as ImageSpec
from indexer.models.protocols import PairScorer as PairScorer
from indexer.models.protocols import Pixels as Pixels
from indexer.models.protocols import Role as Role
from indexer.models.protocols import Scores as Scores
from indexer.models.protocols import Turn as Turn
from indexer.models.protocols import VisionLanguageModel as VisionLanguageModel
from indexer.models.registry import canonical as canonical
from indexer.models.registry import default_for as default_for
from indexer.models.registry import fetch as fetch
from indexer.models.registry import find as find
from indexer.models.registry import is_mini as is_mini
from indexer.models.registry import load as load
from indexer.models.registry import load_reader as load_reader
from indexer.models.registry import names as names
from indexer.models.registry import require_role as require_role
from indexer.models.zoo import RECOMMENDED as RECOMMENDED
from indexer.models.zoo import ModelEntry as ModelEntry
