# Databricks notebook source
# MAGIC %md
# MAGIC # kslm: from sources to an answer
# MAGIC
# MAGIC Every cell calls the function that the command line and the scheduled job call; nothing is decided here.
# MAGIC Run from top to bottom, it takes one profile through all stages. Stages that are current return at once.
# MAGIC
# MAGIC On Databricks, give the notebook's environment the bundle's wheel with its `train` extra (docs/databricks.md).
# MAGIC Elsewhere the same file runs as plain Python, with environment variables in place of widgets.

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
    "MLFLOW_EXPERIMENT_NAME": parameter("MLFLOW_EXPERIMENT_NAME", "/Shared/kslm-tour"),
}
os.environ.update({name: value for name, value in parameters.items() if value})

# COMMAND ----------

# MAGIC %md
# MAGIC ## Settings
# MAGIC A profile says what to build; the environment says where, and with which engine. Both are checked here, before
# MAGIC anything runs.

# COMMAND ----------

from kslm.pipeline import hold, run_stage
from kslm.settings import load_settings

settings = load_settings(parameters["KSLM_PROFILE"] or "quick")
settings.profile.model_dump()

# COMMAND ----------

# MAGIC %md
# MAGIC ## From sources to tables
# MAGIC `fetch` gets the sources and records their hashes and licences; `ingest` reads them into bronze, setting aside
# MAGIC whatever cannot be read; `curate` extracts, redacts, deduplicates and splits: silver and gold.

# COMMAND ----------

with hold(settings):
    fetched, ingested, curated = (run_stage(stage, settings) for stage in ("fetch", "ingest", "curate"))
fetched.outputs.sources

# COMMAND ----------

ingested.outputs, curated.outputs

# COMMAND ----------

import kslm.lake
from kslm.lake import tables

with kslm.lake.open(settings) as lake:
    corpus = lake.read(tables.CORPUS)
    by_slice = corpus.groupBy("split", "slice").agg({"bytes": "sum", "doc_id": "count"}).toPandas()
    documents = corpus.select("source", "slice", "licence", "text").limit(5).toPandas()
    quarantine = lake.read(tables.QUARANTINE).groupBy("source", "reason").count().toPandas()
by_slice

# COMMAND ----------

documents

# COMMAND ----------

quarantine

# COMMAND ----------

# MAGIC %md
# MAGIC ## Tokens
# MAGIC A byte-level BPE tokenizer learnt from the train split, and shards that are the same bytes on every engine.

# COMMAND ----------

with hold(settings):
    tokenized = run_stage("tokenize", settings)
tokenized.metrics

# COMMAND ----------

# MAGIC %md
# MAGIC ## The model
# MAGIC `train` logs to MLflow as it goes; `evaluate` scores the model on held-out text, beside unigram and bigram
# MAGIC baselines of the same tokens.

# COMMAND ----------

with hold(settings):
    trained = run_stage("train", settings)
trained.outputs, trained.metrics

# COMMAND ----------

with hold(settings):
    evaluated = run_stage("evaluate", settings)
evaluated.metrics

# COMMAND ----------

# MAGIC %md
# MAGIC ## Release
# MAGIC Quantized variants, each measured; the gates decide whether the new version becomes the champion.

# COMMAND ----------

with hold(settings):
    released = run_stage("release", settings)
released.outputs.gates

# COMMAND ----------

import mlflow

client = mlflow.MlflowClient(settings.tracking_uri, settings.registry_uri)
version = client.get_model_version_by_alias(settings.registered_model, released.outputs.alias)
version.name, version.version, released.outputs.alias, version.tags

# COMMAND ----------

# MAGIC %md
# MAGIC ## Ask
# MAGIC Ids, drivers and options are looked up and cited; the model's own words are kept apart from them. `index`
# MAGIC publishes the look-up once, so that no question starts an engine.

# COMMAND ----------

with hold(settings):
    indexed = run_stage("index", settings)
indexed.metrics

# COMMAND ----------

from kslm.serve.ask import answer

answered = answer("Which driver does PCI 8086:1533 need?", settings)
answered.facts, answered.unknown, answered.model_text
