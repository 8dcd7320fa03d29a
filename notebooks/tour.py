# Databricks notebook source
# MAGIC %md
# MAGIC # kslm: from sources to an answer
# MAGIC
# MAGIC Takes one profile through all stages, each by the function that the command line and the scheduled job call. A
# MAGIC stage that is current returns at once, so running it again costs seconds.
# MAGIC
# MAGIC * **Needs**: a home that may be written, and nobody else at work in it.
# MAGIC * **Takes**: with `quick` about 15 minutes on two processor cores, most of it training.
# MAGIC * **Then**: the other notebooks look at what it left, one subject each.

# COMMAND ----------

# MAGIC %pip install --quiet -r ../environments/model.txt ".."

# COMMAND ----------

# MAGIC %restart_python

# COMMAND ----------

import pandas as pd

from kslm import notebook
from kslm.pipeline import hold, run_stage

book = notebook.start(globals())
settings, display = book.settings, book.display
display(book.places)

# COMMAND ----------

# MAGIC %md
# MAGIC ## From sources to tables
# MAGIC `fetch` gets the sources and records their hashes and licences; `ingest` reads them into bronze, setting aside
# MAGIC whatever cannot be read; `curate` extracts, redacts, deduplicates and splits: silver and gold.

# COMMAND ----------

with hold(settings):
    fetched = run_stage("fetch", settings, progress=book.progress)
landed = fetched.outputs.model_dump()["sources"].values()
display(pd.DataFrame(landed)[["kind", "version", "licence", "bytes", "origin"]])

# COMMAND ----------

with hold(settings):
    ingested = run_stage("ingest", settings, progress=book.progress)
    curated = run_stage("curate", settings, progress=book.progress)
changes = pd.DataFrame.from_dict(ingested.outputs.changes | curated.outputs.changes, orient="index")
display(changes.rename_axis("table").reset_index())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Tokens
# MAGIC A byte-level BPE tokenizer learnt from the train split, and shards that are the same bytes on every engine.

# COMMAND ----------

with hold(settings):
    tokenized = run_stage("tokenize", settings, progress=book.progress)
display(pd.DataFrame(tokenized.outputs.tokens.items(), columns=["split", "tokens"]))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The model
# MAGIC `train` logs to MLflow as it goes; `evaluate` scores the model on held-out text, beside unigram and bigram
# MAGIC baselines of the same tokens.

# COMMAND ----------

from kslm.evaluate import plots
from kslm.tracking.run import attach

with hold(settings):
    trained = run_stage("train", settings, progress=book.progress)
display(plots.loss_curve(attach(settings, trained.outputs.run_id).loss_history(), f"Loss of {trained.outputs.run}"))

# COMMAND ----------

with hold(settings):
    evaluated = run_stage("evaluate", settings, progress=book.progress)
display(plots.perplexity_bars(plots.perplexities(evaluated.metrics), "Perplexity by slice, test split"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Release
# MAGIC Quantized variants, each measured; the gates decide whether the new version becomes the champion.

# COMMAND ----------

with hold(settings):
    released = run_stage("release", settings, progress=book.progress)
display(pd.DataFrame([gate.model_dump() for gate in released.outputs.gates]))
print(f"version {released.outputs.version} of {released.outputs.model_name} is {released.outputs.alias}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Ask
# MAGIC `index` publishes what answers are looked up in, so that no question starts an engine. Ids, drivers and
# MAGIC options are looked up and cited; the model's own words are kept apart from them.

# COMMAND ----------

from kslm.serve.ask import answer

with hold(settings):
    run_stage("index", settings, progress=book.progress)
answered = answer(book.ask("question", "Which driver does PCI 8086:1533 need?", "Question"), settings)
display(pd.DataFrame(answered.facts, columns=["text", "source"]))
print("Unknown:", *answered.unknown, "The model's own words:", answered.model_text, sep="\n")
