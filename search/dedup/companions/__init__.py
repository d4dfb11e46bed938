"""The files that belong to an image in the same folder: its RAW, its video, its sidecars.

`Folder` and `CompanionFinder` find them by name; `going_along` decides which of them are dropped
with an image, so that no image is separated from one unless the user asked for it.
"""

from search.dedup.companions.along import MODES as MODES
from search.dedup.companions.along import Along as Along
from search.dedup.companions.along import CompanionMode as CompanionMode
from search.dedup.companions.along import going_along as going_along
from search.dedup.companions.folder import CompanionFinder as CompanionFinder
from search.dedup.companions.folder import Folder as Folder
