"""Turning a question into hits.

`Engine` is the door: a `Query` of weighted `Term`s and filters goes in, `Hit`s come out.
"""

from search.engine import Engine as Engine
from search.hits import Hit as Hit
from search.query import Query as Query
from search.query import Term as Term
