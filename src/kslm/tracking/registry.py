"""The registry: one version a variant, aliases for what is tried and what is served, and the champion with its files.

The same calls serve a local sqlite store and Unity Catalog; the registry's address is the only difference. A version is
found again by the content_id among its tags, so a release that was killed and is run again adds no second one. An alias
is moved only after everything it points at is complete: `previous` first, then `champion`.

MLflow's shortcuts for addresses of the form models:/ ask its global stores, so places are resolved by our own client;
Unity Catalog alone needs the shortcut, which lends it the credentials of the files.

Where Unity Catalog refuses, the error names the privilege: EXECUTE to read, CREATE MODEL on the schema to create,
ownership for aliases (from Databricks' documentation, November 2026). That CREATE MODEL VERSION registers, and that
MANAGE is as good as ownership, no page was found to say.

Limits: not run against a workspace. Unity Catalog needs a signature, which each MLmodel file has, and is strict about
tag keys, so they are letters, digits and underscores. Loading through mlflow.pyfunc is not offered: a version is a
folder for one of `kslm.runtimes`, which its manifest names.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kslm import published, scratch
from kslm.errors import DataError, KslmError
from kslm.settings import Settings
from kslm.tracking.client import connect, permitted

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
CONTENT_ID = "content_id"
_MAX_TAG = 1000
_MANAGE, _NO_ALIAS = "MANAGE on it", "cannot be given an alias"


@dataclass(frozen=True)
class Champion:
    """The version of the registered model that is served, with its files at hand.

    Attributes:
        runtime: which of `kslm.runtimes` runs it.
    """

    name: str
    version: str
    folder: Path
    runtime: str


def champion(settings: Settings) -> Champion | None:
    """The version under the alias `champion`; None where nothing has been promoted yet.

    Raises:
        DataError: its files are not those that were released.
    """
    store = settings.registry_uri.removeprefix("sqlite:///")
    if store != settings.registry_uri and not Path(store).exists():
        return None
    registry = Registry(settings)
    if (version := registry.aliased(CHAMPION)) is None:
        return None
    folder = registry.files(version)
    manifest = published.whole(folder)
    if manifest is None or "runtime" not in manifest:
        raise DataError(
            f"version {version} of {registry.name} is not as it was released",
            cause=f"{folder} does not match its {published.MANIFEST}",
            remedy="release again: kslm release --force",
        )
    return Champion(registry.name, version, folder, manifest["runtime"])


class Registry:
    """The registered model of one profile.

    Attributes:
        client: of the tracking store and the registry.
        name: three-level name of the registered model.
    """

    def __init__(self, settings: Settings) -> None:
        self.client = connect(settings)
        self.name = settings.registered_model
        self._settings = settings

    def create(self) -> None:
        """Create the registered model unless it exists: the right to create is not needed where it does."""
        if self._aliases() is None:
            profile = self._settings.profile
            description = f"kslm, size {profile.model.size}, profile {profile.profile}: one version a variant."
            with self._permitted("cannot be created", f"CREATE MODEL on schema {self.name.rpartition('.')[0]}"):
                self.client.create_registered_model(self.name, description=description)

    def register(self, run_id: str, folder: Path, manifest: dict[str, Any], tags: dict[str, Any]) -> str:
        """Register one artefact, or find the version that holds it already; returns the version.

        Args:
            run_id: the training run.
            folder: the artefact; its files become the version's, with an MLmodel file beside them.
            manifest: the artefact's manifest: content_id, which identifies the version, variant, runtime, options,
                versions and files.
            tags: shown with the version beside its profile, replacing those of an earlier release of the same content.
        """
        tags = tags | {"profile": self._settings.profile.profile}
        registered = self._version_of(manifest[CONTENT_ID])
        if registered is None:
            model_id = self._logged_model(run_id, folder, manifest)
            with self._permitted("cannot be given a version", "CREATE MODEL VERSION on it"):
                registered = self.client.create_model_version(
                    self.name,
                    source=self._source(model_id),
                    run_id=run_id,
                    tags={CONTENT_ID: manifest[CONTENT_ID]},
                    model_id=model_id,
                )
            self._await_ready(str(registered.version))
        version = str(registered.version)
        with self._permitted("cannot have its versions tagged", _MANAGE):
            for key in (registered.tags or {}).keys() - tags.keys() - {CONTENT_ID}:
                self.client.delete_model_version_tag(self.name, version, key)
            for key, value in tags.items():
                self.client.set_model_version_tag(self.name, version, key, str(value)[:_MAX_TAG])
        return version

    def offer(self, version: str) -> None:
        """Make the version the challenger."""
        with self._permitted(_NO_ALIAS, _MANAGE):
            self.client.set_registered_model_alias(self.name, CHALLENGER, version)

    def promote(self, version: str) -> str | None:
        """Make the challenger the champion and the old champion `previous`; returns the old one's version, if any."""
        old = self.aliased(CHAMPION)
        replaced = old if old != version else None
        with self._permitted(_NO_ALIAS, _MANAGE):
            if replaced is not None:
                self.client.set_registered_model_alias(self.name, PREVIOUS, replaced)
            self.client.set_registered_model_alias(self.name, CHAMPION, version)
            self.client.delete_registered_model_alias(self.name, CHALLENGER)
        return replaced

    def aliased(self, alias: str) -> str | None:
        """The version that carries an alias, or None."""
        version = (self._aliases() or {}).get(alias)
        return None if version is None else str(version)

    def files(self, version: str) -> Path:
        """A version's folder: where it lies, if it is on this machine; else as copied here, once."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        settings = self._settings
        uri = f"models:/{self.name}/{version}"
        if not settings.registry_uri.startswith("databricks"):
            uri = self.client.get_model_version_download_uri(self.name, version)
        stores = {"tracking_uri": settings.tracking_uri, "registry_uri": settings.registry_uri}
        artifacts = get_artifact_repository(uri, **stores)
        if uri.startswith("file:"):
            return Path(artifacts.download_artifacts(""))
        folder = settings.home.scratch / "models" / self.name / version
        if published.whole(folder) is None:
            published.remove(folder)
            folder.mkdir(parents=True)
            artifacts.download_artifacts("", dst_path=str(folder))
        return folder

    def _aliases(self) -> dict[str, str] | None:
        """Versions by alias; None where there is no such model."""
        from mlflow.exceptions import MlflowException

        try:
            with self._permitted("cannot be read", "EXECUTE on it, with USE CATALOG and USE SCHEMA,"):
                return self.client.get_registered_model(self.name).aliases
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
                return None
            raise

    def _permitted(self, what: str, privilege: str) -> AbstractContextManager[None]:
        return permitted(f"the registered model {self.name} {what}", privilege)

    def _source(self, model_id: str) -> str:
        """A logged model's address for the registry; a database, unlike a server, would ask MLflow's global store."""
        if self._settings.registry_uri.startswith(("databricks", "uc:", "http:", "https:")):
            return f"models:/{model_id}"
        return str(self.client.get_logged_model(model_id).artifact_location)

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
            params=manifest["options"] | {f"version.{name}": number for name, number in manifest["versions"].items()},
            model_type="released",
        )
        with scratch.emptied(self._settings.home.scratch / "mlmodel") as described:
            _describe(model.model_id, run_id, manifest).save(str(described / "MLmodel"))
            self.client.log_model_artifacts(model.model_id, str(described))
        self.client.log_model_artifacts(model.model_id, str(folder))
        self.client.finalize_logged_model(model.model_id, "READY")
        return str(model.model_id)

    def _await_ready(self, version: str, seconds: float = 300) -> None:
        """Wait until the registry has copied the version.

        Raises:
            KslmError: it failed, or did not finish in time.
        """
        deadline = time.monotonic() + seconds
        while (registered := self.client.get_model_version(self.name, version)).status != "READY":
            if registered.status == "FAILED_REGISTRATION" or time.monotonic() > deadline:
                raise KslmError(
                    f"version {version} of {self.name} is not ready in the registry",
                    cause=registered.status_message or registered.status,
                    remedy="run it again: kslm release",
                )
            time.sleep(1)


def _describe(model_id: str, run_id: str, manifest: dict[str, Any]) -> Any:
    """The MLmodel file: a text goes in, a text comes out."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "prompt")]), outputs=Schema([ColSpec(DataType.string, "text")])
    )
    size = sum(file["bytes"] for file in manifest["files"].values())
    model = Model(run_id=run_id, signature=signature, model_id=model_id, model_size_bytes=size)
    model.add_flavor("kslm", variant=manifest["variant"], runtime=manifest["runtime"], manifest=published.MANIFEST)
    return model
