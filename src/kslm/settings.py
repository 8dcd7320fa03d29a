"""Settings: a profile (YAML, in conf/) plus the environment, validated before anything runs.

A profile says what to build; the environment says where and with which engine. Every field has a unit, a bound and a
one-line meaning, and an error names the file, the line and the field.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kslm.errors import SettingsError
from kslm.paths import Home
from kslm.profile import Profile
from kslm.yaml_file import assigned, dotted, parse_yaml


class Environment(BaseSettings):
    """Where and with which engine, from environment variables (KSLM_HOME, KSLM_ENGINE, ...) or a .env file."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    home: Path = Field(default_factory=lambda: user_data_path("kslm"), alias="KSLM_HOME")
    scratch: Path | None = Field(
        None, alias="KSLM_SCRATCH", description="local folder for unfinished files, where the home is a Volume"
    )
    engine: Literal["sail", "spark", "databricks"] = Field("sail", alias="KSLM_ENGINE")
    catalog: str = Field("kslm", alias="KSLM_CATALOG", pattern=r"^\w+$")
    schema_prefix: str | None = Field(None, alias="KSLM_SCHEMA", pattern=r"^\w+$")
    spark_master: str | None = Field(
        None,
        alias="KSLM_SPARK_MASTER",
        pattern=r"^spark://[^/,\s]+(,[^/,\s]+)*$",
        description="Spark standalone cluster (spark://host:7077) that KSLM_ENGINE=spark uses instead of this machine",
    )
    jars: Path | None = Field(None, alias="KSLM_JARS", description="folder of Delta's jars, for Spark offline")
    debian_mirror: str | None = Field(
        None,
        alias="KSLM_DEBIAN_MIRROR",
        pattern=r"^https?://[^/]",
        description="Debian mirror (https://host/debian) to take packages from, instead of the machine's apt",
    )
    debian_suite: str = Field(
        "stable", alias="KSLM_DEBIAN_SUITE", pattern=r"^[a-z][a-z0-9.-]*$", description="suite or codename there"
    )
    debian_keyring: Path | None = Field(
        None, alias="KSLM_DEBIAN_KEYRING", description="file of the OpenPGP keys trusted to sign that suite"
    )
    tracking_uri: str | None = Field(None, alias="MLFLOW_TRACKING_URI")
    registry_uri: str | None = Field(None, alias="MLFLOW_REGISTRY_URI")
    experiment: str | None = Field(None, alias="MLFLOW_EXPERIMENT_NAME")
    registered_model: str | None = Field(
        None,
        alias="KSLM_REGISTERED_MODEL",
        pattern=r"^\w+$",
        description="registered model, without catalog and schema",
    )
    job_run: str | None = Field(
        None, alias="KSLM_JOB_RUN", pattern=r"^\w+$", description="job run whose tasks share a home that has no locks"
    )


@dataclass(eq=False)
class Settings:
    """A profile and an environment, together: what every stage is given.

    Attributes:
        logs: the user's own log files or folders (`--logs`), beside the profile's sources.
        refresh: whether fetch looks for newer versions of what has landed (`--force`).
    """

    profile: Profile
    env: Environment
    _: KW_ONLY
    logs: tuple[Path, ...] = ()
    refresh: bool = False

    @cached_property
    def home(self) -> Home:
        """The folder layout, absolute."""
        scratch = self.env.scratch
        return Home(self.env.home.expanduser().absolute(), scratch and scratch.expanduser().absolute())

    @property
    def schema_prefix(self) -> str:
        """Prefix of the schemas bronze, silver and gold; profiles do not share tables unless told to."""
        return self.env.schema_prefix or self.profile.profile

    @property
    def tracking_uri(self) -> str:
        """MLflow's tracking store: sqlite under the home unless MLFLOW_TRACKING_URI says otherwise."""
        return self.env.tracking_uri or (
            "databricks" if self.on_databricks else f"sqlite:///{self.home.root}/mlflow.db"
        )

    @property
    def registry_uri(self) -> str:
        """MLflow's registry: the tracking store locally, Unity Catalog on Databricks."""
        return self.env.registry_uri or ("databricks-uc" if self.on_databricks else self.tracking_uri)

    @property
    def on_databricks(self) -> bool:
        """Whether tables, tracking and registry are the workspace's."""
        return self.env.engine == "databricks"

    @property
    def registered_model(self) -> str:
        """Three-level name, the same locally and in Unity Catalog."""
        name = self.env.registered_model or f"kslm_{self.profile.model.size}"
        return f"{self.env.catalog}.{self.schema_prefix}.{name}"

    @property
    def experiment(self) -> str:
        """Name of the MLflow experiment; on Databricks a workspace path, so the job names it."""
        return self.env.experiment or f"/kslm/{self.profile.profile}"


def load_settings(
    profile: str | Path = "quick",
    *,
    changes: tuple[str, ...] = (),
    logs: tuple[Path, ...] = (),
    refresh: bool = False,
) -> Settings:
    """Read a profile and the environment.

    Args:
        profile: a name found in conf/, or the path of a YAML file.
        changes: values laid over the profile's, as `train.max_steps=2000`.
        logs: the user's own log files or folders.
        refresh: whether fetch looks for newer versions of what has landed.

    Raises:
        SettingsError: names the file, the line and the field, or the environment variable.
    """
    try:
        env = Environment()
    except ValidationError as error:
        raise SettingsError(
            "an environment variable cannot be used",
            cause="; ".join(f"{dotted(e['loc'])}: {e['msg']}" for e in error.errors()),
            remedy="correct or unset it",
        ) from None
    read = load_profile(profile)
    if changes:
        over = read.model_dump(mode="json", exclude_unset=True)
        read = parse_yaml(assigned(changes), "--set", Profile, lambda _: over)
    return Settings(read, env, logs=logs, refresh=refresh)


def profile_folders() -> list[Path]:
    """Where profiles are looked for: ./conf, then the checkout's or the package's own."""
    here = Path(__file__).resolve()
    return [Path.cwd() / "conf", here.parents[2] / "conf", here.parent / "conf"]


def load_profile(profile: str | Path) -> Profile:
    """Read and validate one profile, `extends` resolved beside it; see `load_settings`."""
    path = Path(profile)
    if path.suffix not in (".yml", ".yaml"):
        paths = [folder / f"{profile}.yml" for folder in profile_folders() if (folder / f"{profile}.yml").is_file()]
        if not paths:
            known = sorted({p.stem for folder in profile_folders() for p in folder.glob("*.yml")})
            raise SettingsError(
                f"no profile named {profile!r}", remedy=f"one of: {', '.join(known)}; or a path ending in .yml"
            )
        path = paths[0]
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read profile {path}", cause=str(error)) from None

    def base(name: str) -> dict[str, Any]:
        return load_profile(path.parent / f"{name}.yml").model_dump(mode="json", exclude_unset=True)

    try:
        return parse_yaml(text, str(path), Profile, base)
    except RecursionError:
        raise SettingsError(f"{path}: profile extends itself", remedy="break the circle of `extends`") from None
