# Databricks notebook source
# MAGIC %md
# MAGIC # The corpus: what the model is made of
# MAGIC
# MAGIC The tables that fetch, ingest and curate left: what is in them, what was refused and why, and one document all
# MAGIC the way back to its source. `kslm corpus` answers the same questions on the command line.
# MAGIC
# MAGIC * **Needs**: a corpus (the job's tasks up to `tokenize`, or `tour`); the right to read it. Nothing is written.
# MAGIC * **Takes**: with `quick` about a minute.

# COMMAND ----------

# MAGIC %pip install --quiet -r ../environments/model.txt ".."

# COMMAND ----------

# MAGIC %restart_python

# COMMAND ----------

import pandas as pd

import kslm.lake
from kslm import card, explore, notebook
from kslm.card import plots
from kslm.explore import plots as pictures

book = notebook.start(globals())
settings, display = book.settings, book.display
display(book.places)
words = book.ask("words", "interrupt", "Words to search for")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What is in it
# MAGIC Documents and bytes of text that the tokenizer reads, by source and slice.

# COMMAND ----------

statistics = card.collect(settings, book.progress)
display(pictures.sources(statistics.sources))

# COMMAND ----------

display(pd.DataFrame(statistics.sources))

# COMMAND ----------

display(plots.lengths(statistics))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Where it is from
# MAGIC Every file that was fetched, with version and licence.

# COMMAND ----------

display(pd.DataFrame(statistics.files).drop(columns="sha256"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What was left out
# MAGIC Refused documents by reason; then what could not be read at all, which lies in `bronze.quarantine`.

# COMMAND ----------

display(plots.refusals(statistics))

# COMMAND ----------

display(pd.DataFrame(statistics.quarantine))

# COMMAND ----------

# MAGIC %md
# MAGIC ## One document
# MAGIC Found by words in its text; then where it came from, what was replaced in it, and why it is in its split.
# MAGIC `lake` holds every table as a DataFrame: `lake["gold.corpus"]`.

# COMMAND ----------

lake = kslm.lake.open(settings)
hits = explore.search(lake, words, limit=5)
display(pd.DataFrame(hits))

# COMMAND ----------

document = explore.show(lake, hits[0].doc_id)
print(document.text[:2000])

# COMMAND ----------

explained = explore.explain(lake, settings.profile, document.doc_id)
display(pd.DataFrame(explained.files).drop(columns="sha256"))
print(f"made from a row of {explained.table}; replaced: {dict(explained.redacted) or 'nothing'}")
print(explained.placement and explained.placement.reason)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Past runs
# MAGIC Each run's report names the versions of the tables it wrote. `kslm.lake.open(settings, at=path)` opens them at
# MAGIC those versions, for as long as vacuum's retention keeps their files.

# COMMAND ----------

display(pd.DataFrame(explore.history(settings), columns=["stage", "finished", "output_id", "path"]))
lake.close()
