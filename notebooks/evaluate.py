# Databricks notebook source
# MAGIC %md
# MAGIC # Evaluate: how good the model is, and at what
# MAGIC
# MAGIC The trained weights on held-out text, beside unigram and bigram models counted on the same training tokens.
# MAGIC
# MAGIC * **Needs**: an evaluation (the job's task `evaluate`, or `tour`); the right to read it. Nothing is written.
# MAGIC * **Takes**: seconds.

# COMMAND ----------

# MAGIC %pip install --quiet -r ../environments/model.txt ".."

# COMMAND ----------

# MAGIC %restart_python

# COMMAND ----------

import pandas as pd

from kslm import notebook, outputs
from kslm.evaluate import plots

book = notebook.start(globals())
settings, display = book.settings, book.display
display(book.places)
metrics = outputs.load(settings, outputs.Evaluated).metrics

# COMMAND ----------

# MAGIC %md
# MAGIC ## Perplexity by slice
# MAGIC On how many equally likely tokens the model hesitates, on average; lower is better. Slices differ in how
# MAGIC repetitive they are, so a slice is compared with its own baselines, not with another slice.

# COMMAND ----------

display(plots.perplexity_bars(plots.perplexities(metrics), "Perplexity by slice, test split"))

# COMMAND ----------

display(pd.DataFrame(plots.perplexities(metrics)).rename_axis("slice").reset_index())

# COMMAND ----------

# MAGIC %md
# MAGIC ## All figures
# MAGIC `top1` and `top5` are how often the right token is the likeliest, or among the five likeliest;
# MAGIC `generation/repetition` is the share of repeated phrases in samples.

# COMMAND ----------

figures = pd.DataFrame(metrics.items(), columns=["figure", "value"])
display(figures.query("not figure.str.startswith('baseline/')").reset_index(drop=True))
