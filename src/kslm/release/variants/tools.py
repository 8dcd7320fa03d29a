"""What several variants are made with: copying, and onnxruntime-genai's graph builder.

The graph builder runs as a process of its own, offline: it is written as a program, prints, and loads torch.

Limits: graphs for CPUs only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from kslm.errors import KslmError

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def copy(source: Path, out: Path, names: tuple[str, ...]) -> None:
    """Copy the files of these names that there are."""
    for name in names:
        if (source / name).exists():
            shutil.copyfile(source / name, out / name)


def build_graph(checkpoint: Path, out: Path, precision: str, options: Mapping[str, str]) -> None:
    """Make a graph for onnxruntime-genai of a checkpoint.

    Args:
        precision: as the builder names it.
        options: of the builder.

    Raises:
        KslmError: the builder failed; its last words are the cause.
    """
    extra = [f"{key}={value}" for key, value in {"hf_token": "false", **options}.items()]
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(checkpoint), "-o", str(out)]
    command += ["-p", precision, "-e", "cpu", "-c", str(out), "--extra_options", *extra]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode or not (out / "genai_config.json").exists():
        last = [line for line in done.stderr.strip().splitlines() if line.strip()][-3:]
        raise KslmError(
            f"onnxruntime-genai could not build a {precision} graph of {checkpoint}",
            cause=" | ".join(last) or f"exit status {done.returncode}",
            remedy="kslm doctor checks the packages; kslm release --force tries again",
        )
    copy(checkpoint, out, TOKENIZER_FILES)
