# Databricks notebook source
# MAGIC %md
# MAGIC # Compare runs
# MAGIC
# MAGIC The profile's training runs side by side: figures, curves, and the parameters that differ.
# MAGIC
# MAGIC * **Needs**: runs in the experiment (of the job, or of the notebook `train`); the right to read it. Nothing is
# MAGIC   written.
# MAGIC * **Takes**: seconds.

# COMMAND ----------

# MAGIC %pip install --quiet -r ../environments/model.txt ".."

# COMMAND ----------

# MAGIC %restart_python

# COMMAND ----------

import pandas as pd

from kslm import notebook
from kslm.evaluate import plots
from kslm.tracking import runs

book = notebook.start(globals())
settings, display = book.settings, book.display
display(book.places)
found = runs.recent(settings, limit=int(book.ask("limit", "8", "Newest runs", ["2", "4", "8", "16"])))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Figures
# MAGIC `val/loss` is in nats per token, of the validation split while training; perplexities are of the test split,
# MAGIC lower is better. `test/top1` is how often the likeliest token was the right one.

# COMMAND ----------

display(pd.DataFrame(runs.figures(found)))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Curves

# COMMAND ----------

display(plots.compared(runs.losses(settings, found), "validation loss (nats per token)", "Validation loss by run"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What differs
# MAGIC Parameters of the profile, and library versions, that are not the same in all of these runs.

# COMMAND ----------

display(pd.DataFrame(runs.differences(found), columns=["parameter", *[run.label for run in found]]))
