"""What an image file holds beyond the first image that a viewer shows.

A video behind a photo, a depth or gain map, mattes, layers, sound, more bits per channel than are
compared, long comments, a georeference, further images, frames and pages, found by walking the
container of the file; no pixel is decoded. `read` returns the `Contents` of a file, `lacking` what
of them another file does not hold.
"""

from search.dedup.extras.contents import UNKNOWN as UNKNOWN
from search.dedup.extras.contents import Contents as Contents
from search.dedup.extras.contents import Extra as Extra
from search.dedup.extras.contents import ExtraKind as ExtraKind
from search.dedup.extras.contents import lacking as lacking
from search.dedup.extras.reading import read as read
from search.dedup.extras.wording import as_rows as as_rows
from search.dedup.extras.wording import in_words as in_words
