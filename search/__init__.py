"""Search: from a query to hits, and from hits to captions, answers and labels.

`Engine` is the entry point: it takes a `Query` of weighted `Term`s and filters and returns
`Hit`s, reranked if the query has a `Rerank`. `CaptionJob`, `ask`, `Chat` and `Tagger` work on
items; each takes its model by protocol and reads images through `search.images`.
"""

from search.ask import ask as ask
from search.chat import Chat as Chat
from search.describe import CaptionJob as CaptionJob
from search.engine import Engine as Engine
from search.hits import Hit as Hit
from search.query import Query as Query
from search.query import Rerank as Rerank
from search.query import Term as Term
from search.tag import LabelSet as LabelSet
from search.tag import Tagger as Tagger
