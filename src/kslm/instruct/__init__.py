"""Questions and answers made from what the tables and documents say: the instruction part of the corpus.

Every generator is a pure function from bronze rows to texts; those of a row of bronze.documents are given what its kind
parses it to as well (`kslm.kinds`). An answer holds facts of its row and fixed words, nothing else. Questions come from
the reviewed `phrasings.yml`. A text's split group is that of the entity it is about, so a held-out device, module,
symbol or page is never asked about in training.
"""
