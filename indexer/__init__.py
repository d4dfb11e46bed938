"""Ingest: from files to rows by scan, changes, read, encode and write.

`indexer.ingest.Indexer` is the entry point: it takes an `IndexConfig` and returns a `Report`. It
stands apart because a search needs none of what reads files.
Networks live in `indexer.models` and are loaded by name.
"""

from indexer.config import IndexConfig as IndexConfig
from indexer.config import Progress as Progress
from indexer.config import Report as Report
from indexer.images.limits import Limits as Limits
