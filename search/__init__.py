"""Turning a question into hits, and hits into captions, answers and labels.

`Engine` is the door: a `Query` of weighted `Term`s and filters goes in, `Hit`s come out, read a
second time where `Rerank` asks for it. `Describing`, `ask`, `Chat` and `Tagging` say more about
items; each takes its model by protocol and reads pictures through `search.images`.
"""

from search.ask import ask as ask
from search.chat import Chat as Chat
from search.describe import Describing as Describing
from search.engine import Engine as Engine
from search.hits import Hit as Hit
from search.query import Query as Query
from search.query import Rerank as Rerank
from search.query import Term as Term
from search.tag import LabelSet as LabelSet
from search.tag import Tagging as Tagging
