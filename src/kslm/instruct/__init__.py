"""Questions and answers made from what the tables and documents say: the instruction part of the corpus.

Every generator is a pure function from bronze rows to texts; those of a row of bronze.documents are given what its kind
parses it to as well (`kslm.kinds`). An answer holds facts of its row and fixed words, nothing
else. Questions come from the reviewed `phrasings.yml`. A text's split group is that of the entity it is about, so a
held-out device, module, symbol or page is never asked about in training.
"""

from __future__ import annotations

from kslm.instruct.bindings import bindings
from kslm.instruct.commands import config_files, examples, readmes
from kslm.instruct.kconfig import symbols
from kslm.instruct.kernel_messages import message_questions, noted
from kslm.instruct.manuals import pages
from kslm.instruct.messages import explained
from kslm.instruct.options import options
from kslm.instruct.tables import from_tables

__all__ = [
    "bindings",
    "config_files",
    "examples",
    "explained",
    "from_tables",
    "message_questions",
    "noted",
    "options",
    "pages",
    "readmes",
    "symbols",
]
