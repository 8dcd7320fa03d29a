"""All of MLflow: client, runs, registry."""
