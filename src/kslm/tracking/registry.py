"""The registry: one version a variant, aliases for what is tried and what is served.

The same calls serve a local sqlite store and Unity Catalog; the registry's address is the only difference. A version is
found again by the content_id among its tags, so a release that was killed and is run again adds no second one. An alias
is moved only after everything it points at is complete: `previous` first, then `champion`.

Limits: not run against a workspace. Unity Catalog needs a signature, which each MLmodel file has, and is strict about
tag keys, so they are letters, digits and underscores. Loading through mlflow.pyfunc is not offered: a version is a
folder for onnxruntime-genai or transformers, and `kslm.serve` shows how to use it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kslm.errors import KslmError
from kslm.settings import Settings

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
CONTENT_ID = "content_id"
_MAX_TAG = 1000


class Registry:
    """The registered model of one profile, created unless it exists.

    Attributes:
        client: of the tracking store and the registry.
        name: three-level name of the registered model.
    """

    def __init__(self, settings: Settings) -> None:
        import mlflow
        from mlflow.exceptions import MlflowException

        mlflow.set_tracking_uri(settings.tracking_uri)
        mlflow.set_registry_uri(settings.registry_uri)
        self.client = mlflow.MlflowClient(settings.tracking_uri, settings.registry_uri)
        self.name = settings.registered_model
        profile = settings.profile
        description = f"kslm, size {profile.model.size}, profile {profile.profile}: one version a variant."
        try:
            self.client.create_registered_model(self.name, description=description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def register(self, run_id: str, folder: Path, manifest: dict[str, Any], tags: dict[str, Any]) -> str:
        """Register one artefact, or find the version that holds it already; returns the version.

        Args:
            run_id: the training run.
            folder: the artefact; its files become the version's, with an MLmodel file beside them.
            manifest: the artefact's manifest; its content_id identifies the version.
            tags: shown with the version, replacing those of an earlier release of the same content.
        """
        found = self._version_of(manifest[CONTENT_ID])
        if found is None:
            model_id = self._logged_model(run_id, folder, manifest)
            found = self.client.create_model_version(
                self.name,
                source=f"models:/{model_id}",
                run_id=run_id,
                tags={CONTENT_ID: manifest[CONTENT_ID]},
                model_id=model_id,
            )
            self._await_ready(str(found.version))
        version = str(found.version)
        for key in (found.tags or {}).keys() - tags.keys() - {CONTENT_ID}:
            self.client.delete_model_version_tag(self.name, version, key)
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, version, key, str(value)[:_MAX_TAG])
        return version

    def offer(self, version: str) -> None:
        """Make the version the challenger."""
        self.client.set_registered_model_alias(self.name, CHALLENGER, version)

    def promote(self, version: str) -> str | None:
        """Make the challenger the champion and the old champion `previous`; returns the old one's version, if any."""
        old = self.aliased(CHAMPION)
        replaced = old if old != version else None
        if replaced is not None:
            self.client.set_registered_model_alias(self.name, PREVIOUS, replaced)
        self.client.set_registered_model_alias(self.name, CHAMPION, version)
        self.client.delete_registered_model_alias(self.name, CHALLENGER)
        return replaced

    def aliased(self, alias: str) -> str | None:
        """The version that carries an alias, or None."""
        version = self.client.get_registered_model(self.name).aliases.get(alias)
        return None if version is None else str(version)

    def _version_of(self, identity: str) -> ModelVersion | None:
        """The newest usable version with this content; Unity Catalog cannot search by tag, so they are read."""
        versions = self.client.search_model_versions(f"name='{self.name}'")
        for version in sorted(versions, key=lambda v: -int(v.version)):
            full = self.client.get_model_version(self.name, version.version)
            if full.tags.get(CONTENT_ID) == identity and full.status == "READY":
                return full
        return None

    def _logged_model(self, run_id: str, folder: Path, manifest: dict[str, Any]) -> str:
        """Upload the artefact as a logged model of the training run; a half-uploaded one is replaced."""
        identity, variant = manifest[CONTENT_ID], manifest["variant"]
        experiment = self.client.get_run(run_id).info.experiment_id
        by_content = f"tags.{CONTENT_ID} = '{identity}'"
        for earlier in self.client.search_logged_models([experiment], filter_string=by_content):
            if str(earlier.status) == "READY":
                return str(earlier.model_id)
            self.client.delete_logged_model(earlier.model_id)
        model = self.client.create_logged_model(
            experiment,
            name=f"release-{variant}",
            source_run_id=run_id,
            tags={CONTENT_ID: identity, "variant": variant},
            params={key: str(value) for key, value in manifest["recipe"].items()},
            model_type="released",
        )
        with tempfile.TemporaryDirectory(prefix="kslm-") as scratch:
            _describe(model.model_id, run_id, folder, manifest).save(str(Path(scratch) / "MLmodel"))
            self.client.log_model_artifacts(model.model_id, scratch)
        self.client.log_model_artifacts(model.model_id, str(folder))
        self.client.finalize_logged_model(model.model_id, "READY")
        return str(model.model_id)

    def _await_ready(self, version: str, seconds: float = 300) -> None:
        """Wait until the registry has copied the version.

        Raises:
            KslmError: it failed, or did not finish in time.
        """
        deadline = time.monotonic() + seconds
        while (found := self.client.get_model_version(self.name, version)).status != "READY":
            if found.status == "FAILED_REGISTRATION" or time.monotonic() > deadline:
                raise KslmError(
                    f"version {version} of {self.name} is not ready in the registry",
                    cause=found.status_message or found.status,
                    remedy="run it again: kslm release",
                )
            time.sleep(1)


def _describe(model_id: str, run_id: str, folder: Path, manifest: dict[str, Any]) -> Any:
    """The MLmodel file: a text goes in, a text comes out."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "prompt")]), outputs=Schema([ColSpec(DataType.string, "text")])
    )
    model = Model(run_id=run_id, signature=signature, model_id=model_id, model_size_bytes=manifest["bytes"])
    loader = "onnxruntime-genai" if (folder / "genai_config.json").exists() else "transformers"
    model.add_flavor("kslm", variant=manifest["variant"], loader=loader, manifest="manifest.json")
    return model
