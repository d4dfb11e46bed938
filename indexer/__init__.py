"""Turning files into rows: scan, changes, read, encode, write.

`Indexer` is the door; what it is asked to do is an `IndexConfig`, what it did a `Report`.
Networks live in `indexer.models` and are loaded by name.
"""

from indexer.config import IndexConfig as IndexConfig
from indexer.config import Progress as Progress
from indexer.config import Report as Report
from indexer.images.limits import Limits as Limits
from indexer.ingest import Indexer as Indexer
