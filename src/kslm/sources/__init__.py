"""Raw bytes to records. Pure Python: a reader takes bytes, text or a path and yields rows; no Spark, no MLflow."""
