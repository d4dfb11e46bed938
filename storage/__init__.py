"""Storage: the library on disk, which survives a crash.

`Library` is the entry point: a folder with one SQLite catalogue as the truth, FAISS files and
thumbnails derived from it, and a lock that lets one process write while others read.
"""

from storage.errors import ModelMismatch as ModelMismatch
from storage.errors import SightlineError as SightlineError
from storage.filters import Filters as Filters
from storage.filters import Near as Near
from storage.library import Library as Library
from storage.records import Caption as Caption
from storage.records import Capture as Capture
from storage.records import Failure as Failure
from storage.records import Item as Item
from storage.records import Matrix as Matrix
from storage.records import Root as Root
from storage.records import Space as Space
from storage.records import SpaceCount as SpaceCount
from storage.records import Status as Status
from storage.records import Tag as Tag
from storage.removal import Removal as Removal
