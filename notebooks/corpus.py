# Databricks notebook source
# MAGIC %md
# MAGIC # The corpus: what the model is made of
# MAGIC
# MAGIC A reader's tour of the tables that `kslm run --until curate` leaves. Nothing is written. The same questions are
# MAGIC answered on the command line by `kslm corpus`, `kslm corpus search`, `show`, `explain` and `history`.
# MAGIC
# MAGIC On Databricks, give the notebook's environment the bundle's wheel (docs/databricks.md). Elsewhere the same file
# MAGIC runs as plain Python, with environment variables in place of widgets.

# COMMAND ----------

import os


def parameter(name: str, default: str) -> str:
    """A widget's value, or, where there are no widgets, the environment variable of the same name."""
    if "dbutils" not in globals():
        return os.environ.get(name, "")
    dbutils.widgets.text(name, default)
    return dbutils.widgets.get(name)


parameters = {
    "KSLM_PROFILE": parameter("KSLM_PROFILE", "quick"),
    "KSLM_ENGINE": parameter("KSLM_ENGINE", "databricks"),
    "KSLM_CATALOG": parameter("KSLM_CATALOG", "dev"),
    "KSLM_SCHEMA": parameter("KSLM_SCHEMA", "kslm"),
    "KSLM_HOME": parameter("KSLM_HOME", "/Volumes/dev/kslm/home"),
}
os.environ.update({name: value for name, value in parameters.items() if value})

# COMMAND ----------

# MAGIC %md
# MAGIC ## Tables
# MAGIC `open` takes a profile's name, or settings. Every table is a DataFrame.

# COMMAND ----------

import pandas as pd

import kslm.lake
from kslm import explore
from kslm.settings import load_settings

settings = load_settings(parameters["KSLM_PROFILE"] or "quick")
lake = kslm.lake.open(settings)
lake.tables()

# COMMAND ----------

lake["bronze.files"].select("source", "package", "version", "licence", "origin", "bytes").toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC ## What is in it
# MAGIC Documents and bytes by slice and source, and what was refused, by reason.

# COMMAND ----------

counts = pd.DataFrame(explore.overview(lake))
counts.pivot_table(index=["slice", "source"], columns="split", values="bytes", aggfunc="sum", fill_value=0)

# COMMAND ----------

refused = lake["silver.rejects"].groupBy("reason").agg({"doc_id": "count", "bytes": "sum"}).toPandas()
refused

# COMMAND ----------

# MAGIC %md
# MAGIC ## One document
# MAGIC Found by words in its text; then where it came from, what was replaced in it, and why it is in its split.

# COMMAND ----------

hits = explore.search(lake, "device", limit=5)
pd.DataFrame(hits)

# COMMAND ----------

document = explore.show(lake, hits[0].doc_id)
print(document.text)

# COMMAND ----------

explained = explore.explain(lake, settings.profile, document.doc_id)
explained.table, explained.row, explained.files, explained.redacted

# COMMAND ----------

explained.placement.reason

# COMMAND ----------

# MAGIC %md
# MAGIC ## Past runs
# MAGIC Each run's report names the versions of the tables it wrote. `kslm.lake.open(settings, at=report)` opens them at
# MAGIC those versions, for as long as vacuum's retention keeps their files.

# COMMAND ----------

runs = explore.history(settings)
pd.DataFrame(runs, columns=["path", "stage", "finished", "output_id", "versions", "changes"])

# COMMAND ----------

lake.close()
