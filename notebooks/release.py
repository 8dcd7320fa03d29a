# Databricks notebook source
# MAGIC %md
# MAGIC # Release, and roll back
# MAGIC
# MAGIC What the gates decided, what each quantized variant trades, the versions in the registry; with the parameter
# MAGIC `action` at `release` the model is released first, and at `roll back` the version before it becomes the
# MAGIC champion again.
# MAGIC
# MAGIC * **Needs**: an evaluated model; to act, the right to write the home and to set the registered model's
# MAGIC   aliases.
# MAGIC * **Takes**: to show, seconds; to release `quick`, about two minutes.

# COMMAND ----------

# MAGIC %pip install --quiet -r ../environments/model.txt ".."

# COMMAND ----------

# MAGIC %restart_python

# COMMAND ----------

import pandas as pd

from kslm import notebook, outputs
from kslm.pipeline import hold, run_stage
from kslm.release import plot
from kslm.tracking import versions

book = notebook.start(globals())
settings, display = book.settings, book.display
display(book.places)
action = book.ask("action", "show", "Show, or act", ["show", "release", "roll back"])

# COMMAND ----------

# MAGIC %md
# MAGIC ## Act
# MAGIC Rolling back lets the champion and the previous version change places, each time this cell runs: put `action`
# MAGIC back at `show` afterwards.

# COMMAND ----------

if action == "release":
    with hold(settings):
        run_stage("release", settings, progress=book.progress)

# COMMAND ----------

if action == "roll back":
    print(f"version {versions.roll_back(settings)} of {settings.registered_model} is the champion again")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Gates of the last release

# COMMAND ----------

released = outputs.load(settings, outputs.Released)
display(pd.DataFrame([gate.model_dump() for gate in released.outputs.gates]))
print(*released.notes, sep="\n")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Variants

# COMMAND ----------

measured = {name: variant.model_dump(exclude={"gates", "path"}) for name, variant in released.outputs.variants.items()}
display(plot.trade(measured, released.outputs.preferred))

# COMMAND ----------

variants = pd.DataFrame.from_dict(measured, orient="index").rename_axis("variant").reset_index()
columns = ["variant", "registered_as", "size_mb", "perplexity", "decode_tokens_per_second", "speedup"]
display(variants.reindex(columns=columns))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Versions in the registry
# MAGIC `champion` is what `kslm ask` loads, `previous` what it was before, `challenger` one that was offered and
# MAGIC refused.

# COMMAND ----------

display(pd.DataFrame(versions.rows(versions.versions(settings))))
