# Databricks notebook source
# MAGIC %md
# MAGIC # Tokens and shards: what the model reads
# MAGIC
# MAGIC The tokenizer, the mix of slices, and the shards that training reads, with the tables' versions they were made
# MAGIC of.
# MAGIC
# MAGIC * **Needs**: shards (the job's task `tokenize`, or `tour`); the right to read them. Nothing is written.
# MAGIC * **Takes**: seconds.

# COMMAND ----------

# MAGIC %pip install --quiet -r ../environments/model.txt ".."

# COMMAND ----------

# MAGIC %restart_python

# COMMAND ----------

from dataclasses import asdict

import pandas as pd
from tokenizers import Tokenizer

from kslm import notebook, outputs
from kslm.explore import plots, shards
from kslm.tokens import Sampler, ShardReader

book = notebook.start(globals())
settings, display = book.settings, book.display
display(book.places)
text = book.ask("text", "igb 0000:01:00.0: probe failed with error -2", "Text to cut into tokens")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Shards
# MAGIC Each split by slice, as it is stored: every document once.

# COMMAND ----------

tokenized = outputs.load(settings, outputs.Tokenized)
reader = ShardReader(settings.home.at(tokenized.outputs.manifest).parent)
display(pd.DataFrame(shards(reader.manifest)))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The mix
# MAGIC What the first epoch takes of each slice: its share beside the one that the profile asks for, the tokens it
# MAGIC reads again, and those it leaves for later epochs.

# COMMAND ----------

epoch = Sampler(reader.split("train"), settings.profile.mix, settings.profile.seed).epoch(0)
display(pd.DataFrame([{"slice": name} | asdict(amount) for name, amount in epoch.by_slice.items()]))
display(plots.mix(epoch, settings.profile.mix))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Lengths
# MAGIC A document ends with an end-of-text token; training windows run across documents.

# COMMAND ----------

display(plots.token_lengths(reader.split("train")))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The tokenizer
# MAGIC How a text is cut: bars stand between tokens.

# COMMAND ----------

tokenizer = Tokenizer.from_file(str(reader.folder / "tokenizer.json"))
ids = tokenizer.encode(text).ids
print(*[tokenizer.decode([token]) for token in ids], sep="|")
print(f"{len(text.encode())} bytes, {len(ids)} tokens")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Lineage
# MAGIC The versions of the tables behind these shards: `kslm.lake.open` shows them again.

# COMMAND ----------

lineage = reader.manifest.lineage
display(pd.DataFrame(lineage.tables.items(), columns=["table", "version"]))
