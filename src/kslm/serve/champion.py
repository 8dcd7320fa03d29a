"""The champion: which version is served, where its files are, and the words it finds.

The registry is asked by alias; a local store's files are read where they lie, another's are fetched once into the
cache. The weights are run greedily with a repetition penalty, and no longer than a question may take.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kslm import prompt
from kslm.settings import Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from kslm.runtimes.onnx import OnnxRuntime

ALIAS = "champion"
SECONDS = 5.0
"""Longest an answer's text may take; what has been found by then is shown."""

_REPETITION_PENALTY = 1.2


@dataclass(frozen=True)
class Champion:
    """A version of the registered model, with its files at hand; tokenizer and weights are loaded once."""

    name: str
    version: str
    folder: Path

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Text to token ids and back."""
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(self.folder / "tokenizer.json"))

    @cached_property
    def runtime(self) -> OnnxRuntime:
        """The weights, on all threads that the process may use."""
        from kslm.runtimes.onnx import OnnxRuntime

        return OnnxRuntime(self.folder, threads=0)


def find(settings: Settings) -> Champion | None:
    """The version under the alias `champion`, or None where nothing has been promoted yet."""
    store = settings.tracking_uri.removeprefix("sqlite:///")
    if store != settings.tracking_uri and not Path(store).exists():
        return None
    import mlflow
    from mlflow.exceptions import MlflowException

    mlflow.set_tracking_uri(settings.tracking_uri)
    mlflow.set_registry_uri(settings.registry_uri)
    client = mlflow.MlflowClient(settings.tracking_uri, settings.registry_uri)
    name = settings.registered_model
    try:
        version = str(client.get_model_version_by_alias(name, ALIAS).version)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"):
            return None
        raise
    return Champion(name, version, _files(settings, name, version))


def write(champion: Champion, question: str, max_new_tokens: int) -> str:
    """The champion's own text after the question, which nothing vouches for."""
    tokenizer, runtime = champion.tokenizer, champion.runtime
    room = max(1, runtime.context_length - max_new_tokens)
    asked = tokenizer.encode(prompt.ask(question.strip())).ids[-room:]
    deadline = time.monotonic() + SECONDS
    generator = runtime.generator(
        np.asarray(asked, np.int64),
        max_length=min(runtime.context_length, len(asked) + max_new_tokens),
        repetition_penalty=_REPETITION_PENALTY,
    )
    while not generator.is_done() and time.monotonic() < deadline:
        generator.generate_next_token()
    written = [int(token) for token in generator.get_sequence(0)][len(asked) :]
    text: str = tokenizer.decode(written, skip_special_tokens=True)
    return text.partition(prompt.STOP)[0].strip()


def _files(settings: Settings, name: str, version: str) -> Path:
    """The version's folder, whole."""
    from mlflow.artifacts import download_artifacts

    uri = f"models:/{name}/{version}"
    if settings.registry_uri.startswith("sqlite:"):
        return Path(download_artifacts(artifact_uri=uri))
    folder = settings.home.cache / "models" / name / version
    complete = folder / ".complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        download_artifacts(artifact_uri=uri, dst_path=str(folder))
        complete.touch()
    return folder
