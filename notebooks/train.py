# Databricks notebook source
# MAGIC %md
# MAGIC # Train, and watch a training
# MAGIC
# MAGIC Shows the newest run's loss while it trains, in this notebook or in the job. Run the cells again to see it go
# MAGIC on. With the parameter `action` at `train` it trains here first, unless the model is current.
# MAGIC
# MAGIC * **Needs**: shards. To train: a home that may be written, nobody else at work in it, and time; a GPU is used
# MAGIC   if there is one.
# MAGIC * **Takes**: to watch, seconds; to train `quick`, about six minutes on two processor cores.

# COMMAND ----------

# MAGIC %pip install --quiet -r ../environments/model.txt ".."

# COMMAND ----------

# MAGIC %restart_python

# COMMAND ----------

import pandas as pd

from kslm import notebook
from kslm.evaluate import plots
from kslm.pipeline import hold, run_stage
from kslm.tracking import runs
from kslm.tracking.run import attach

book = notebook.start(globals())
settings, display = book.settings, book.display
display(book.places)
action = book.ask("action", "watch", "Watch a run, or train here", ["watch", "train"])

# COMMAND ----------

# MAGIC %md
# MAGIC ## What would be trained

# COMMAND ----------

recipe = settings.profile.model.model_dump() | settings.profile.train.model_dump()
display(pd.DataFrame(recipe.items(), columns=["setting", "value"]).astype({"value": str}))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Train

# COMMAND ----------

if action == "train":
    with hold(settings):
        run_stage("train", settings, progress=book.progress)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Watch
# MAGIC The newest run of the experiment. Losses reach MLflow some 15 seconds after the step.

# COMMAND ----------

newest = runs.newest(settings)
display(pd.DataFrame(runs.figures([newest])))

# COMMAND ----------

display(plots.loss_curve(attach(settings, newest.run_id).loss_history(), f"Loss of {newest.name}"))
