# Databricks notebook source
# MAGIC %md
# MAGIC Hands a stage's values (`TASK_VALUES` of jobs/stage.py) on to later tasks of the same job run. A notebook,
# MAGIC because only notebooks may set task values; it needs nothing but Python.

# COMMAND ----------

import json
from pathlib import Path

dbutils.widgets.text("home", "")
dbutils.widgets.text("job_run", "")
dbutils.widgets.text("stage", "")
stage = dbutils.widgets.get("stage")
folder = Path(dbutils.widgets.get("home"), "reports", "task-values", dbutils.widgets.get("job_run"))
file = folder / f"{stage}.json"
values = json.loads(file.read_text("utf-8"))

# COMMAND ----------

for key, value in values.items():
    dbutils.jobs.taskValues.set(key=key, value=value)
print(f"{stage}: {values}")
