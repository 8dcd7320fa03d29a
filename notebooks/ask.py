# Databricks notebook source
# MAGIC %md
# MAGIC # Ask
# MAGIC
# MAGIC Facts from the tables, each with its source; and the champion's own words beside them, which nothing vouches
# MAGIC for.
# MAGIC
# MAGIC * **Needs**: an index (the job's task `index`, or `tour`); a champion, for the model's words. Nothing is
# MAGIC   written but a copy of the champion's files in the home's cache.
# MAGIC * **Takes**: some ten seconds for the first answer, well under one for each more.

# COMMAND ----------

# MAGIC %pip install --quiet -r ../environments/model.txt ".."

# COMMAND ----------

# MAGIC %restart_python

# COMMAND ----------

import pandas as pd

from kslm import notebook
from kslm.serve.ask import Assistant

book = notebook.start(globals())
settings, display = book.settings, book.display
display(book.places)
question = book.ask("question", "Which driver does PCI 8086:1533 need?", "Question")
assistant = Assistant(settings)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Facts

# COMMAND ----------

answered = assistant.answer(question)
display(pd.DataFrame(answered.facts, columns=["text", "source"]))

# COMMAND ----------

print(*answered.unknown, *answered.notes, sep="\n")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The model's own words
# MAGIC Ids, options and modules in them that no fact confirms are listed.

# COMMAND ----------

print(answered.model_version, answered.model_text, sep="\n")
print("unconfirmed:", *answered.unverified)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Another question
# MAGIC The assistant keeps the model loaded.

# COMMAND ----------

display(pd.DataFrame(assistant.answer("What does CONFIG_PCI do?").facts, columns=["text", "source"]))
