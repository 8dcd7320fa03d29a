"""What a run is described by in MLflow: its profile, its corpus and the machine it runs on."""

from __future__ import annotations

import json
import platform
from typing import Any

import psutil

from kslm.code import versions
from kslm.report import Anything, Report
from kslm.settings import Settings

LIBRARIES = ("torch", "transformers", "accelerate", "tokenizers", "mlflow", "numpy")


def parameters(settings: Settings) -> dict[str, str]:
    """The whole profile, flattened, with the versions of the libraries."""
    flat: dict[str, str] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(f"{prefix}.{key}" if prefix else str(key), item)
        else:
            flat[prefix] = json.dumps(value) if isinstance(value, list) else str(value)

    walk("", settings.profile.model_dump(mode="json"))
    return flat | {f"version.{library}": version for library, version in versions(LIBRARIES).items()}


def corpus_metrics(settings: Settings) -> dict[str, float]:
    """What the stages before counted of the corpus (documents, refusals, shares), so that runs compare by it too."""
    metrics: dict[str, float] = {}
    for stage in ("ingest", "curate", "tokenize"):
        path = settings.home.report(settings.profile.profile, stage)
        if path.exists():
            metrics |= Report.load(path, Anything).metrics
    return metrics


def machine() -> dict[str, str]:
    """What the run runs on, for tags."""
    import torch

    facts = {
        "system/platform": platform.platform(),
        "system/python": platform.python_version(),
        "system/cpu": torch.cpu.get_capabilities().get("cpu_name") or platform.machine(),
        "system/cpus": str(psutil.cpu_count()),
        "system/memory_gb": f"{psutil.virtual_memory().total / 1e9:.1f}",
        "system/threads": str(torch.get_num_threads()),
    }
    if torch.cuda.is_available():
        facts["system/gpu"] = f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return facts
