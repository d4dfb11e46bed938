"""The extras of an image file: all it contains besides the first image, which viewers show.

Extras are a video after a photo, a depth or gain map, mattes, layers, sound, more bits per channel
than are compared, long comments, a georeference, further images, frames and pages. They are found
by walking the file's container; no pixel is decoded. `read` returns the `Contents` of a file,
`lacking` those of its extras that another file does not have.
"""

from search.dedup.extras.contents import UNKNOWN as UNKNOWN
from search.dedup.extras.contents import Contents as Contents
from search.dedup.extras.contents import Extra as Extra
from search.dedup.extras.contents import ExtraKind as ExtraKind
from search.dedup.extras.contents import lacking as lacking
from search.dedup.extras.reading import read as read
from search.dedup.extras.wording import as_rows as as_rows
from search.dedup.extras.wording import in_words as in_words
