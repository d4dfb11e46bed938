"""The files that belong to an image and lie beside it: its RAW, its video, its sidecars.

`Folder` and `CompanionFinder` find them by name; `going_along` decides which of them go with an
image that is dropped, so that no image is parted from one unasked.
"""

from search.dedup.companions.along import MODES as MODES
from search.dedup.companions.along import Along as Along
from search.dedup.companions.along import CompanionMode as CompanionMode
from search.dedup.companions.along import going_along as going_along
from search.dedup.companions.folder import CompanionFinder as CompanionFinder
from search.dedup.companions.folder import Folder as Folder
