"""Questions and answers made from what the tables and documents say: the instruction part of the corpus.

Every generator is a pure function from bronze rows to texts: an answer holds facts of its row and fixed words, nothing
else. Questions come from the reviewed `phrasings.yml`. A text's split group is that of the entity it is about, so a
held-out device, module, symbol or page is never asked about in training.
"""

from __future__ import annotations

from kslm.instruct.documents import from_document
from kslm.instruct.tables import from_tables

__all__ = ["from_document", "from_tables"]
