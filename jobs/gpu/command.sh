#!/usr/bin/env bash
# Trains on all GPUs of one node: what the ai_runtime_task of the train_gpu job starts. Where the deployment keeps its
# things comes from the job's environment variables, the same that settings read (docs/architecture.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

: "${KSLM_HOME:?the job sets it, with KSLM_PROFILE, KSLM_CATALOG, KSLM_SCHEMA, KSLM_REGISTERED_MODEL}"
: "${MLFLOW_EXPERIMENT_NAME:?the job sets it}"
python3 -c 'import kslm' 2>/dev/null || python3 -m pip install --quiet -r environments/gpu.txt .

# auto: a rank for each GPU, or, where there is none, for each processor core.
exec torchrun --standalone --nproc_per_node=auto jobs/stage.py --stage=train \
  --profile="$KSLM_PROFILE" --recipe="${KSLM_RECIPE:-}" --home="$KSLM_HOME" --catalog="$KSLM_CATALOG" \
  --schema="$KSLM_SCHEMA" --experiment="$MLFLOW_EXPERIMENT_NAME" --model="$KSLM_REGISTERED_MODEL" \
  --job-run="${KSLM_JOB_RUN:-}"
