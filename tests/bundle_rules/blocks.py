"""The blocks of databricks.yml besides resources, which databricks-bundles has no types for.

Fields as in the CLI's own configuration structs (version 1.13), without those it only writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Mode = Enum("Mode", {"development": "development", "production": "production"})
Level = Enum("Level", {name: name for name in ("CAN_MANAGE", "CAN_VIEW", "CAN_RUN")})
Pause = Enum("Pause", {name: name for name in ("PAUSED", "UNPAUSED")})
Kind = Enum("Kind", {name: name for name in ("whl", "jar", "tgz")})
Shell = Enum("Shell", {name: name for name in ("bash", "sh", "cmd")})
Engine = Enum("Engine", {name: name for name in ("direct", "terraform")})
VariableType = Enum("VariableType", {"complex": "complex"})


@dataclass(kw_only=True)
class Git:
    branch: str | None = None
    origin_url: str | None = None


@dataclass(kw_only=True)
class Lock:
    enabled: bool | None = None
    force: bool | None = None


@dataclass(kw_only=True)
class Deployment:
    fail_on_active_runs: bool | None = None
    lock: Lock | None = None


@dataclass(kw_only=True)
class Bundle:
    name: str
    git: Git | None = None
    compute_id: str | None = None
    cluster_id: str | None = None
    engine: Engine | None = None
    deployment: Deployment | None = None
    databricks_cli_version: str | None = None
    uuid: str | None = None


@dataclass(kw_only=True)
class Workspace:
    host: str | None = None
    profile: str | None = None
    auth_type: str | None = None
    client_id: str | None = None
    google_service_account: str | None = None
    azure_workspace_resource_id: str | None = None
    azure_use_msi: bool | None = None
    azure_client_id: str | None = None
    azure_tenant_id: str | None = None
    azure_environment: str | None = None
    azure_login_app_id: str | None = None
    account_id: str | None = None
    workspace_id: str | None = None
    root_path: str | None = None
    file_path: str | None = None
    resource_path: str | None = None
    artifact_path: str | None = None
    state_path: str | None = None


@dataclass(kw_only=True)
class File:
    source: str


@dataclass(kw_only=True)
class Artifact:
    type: Kind | None = None
    path: str | None = None
    files: list[File] = field(default_factory=list)
    build: str | None = None
    executable: Shell | None = None
    dynamic_version: bool | None = None
    include: list[str] = field(default_factory=list)
    git: Any = None


@dataclass(kw_only=True)
class Presets:
    name_prefix: str | None = None
    pipelines_development: bool | None = None
    trigger_pause_status: Pause | None = None
    jobs_max_concurrent_runs: int | None = None
    source_linked_deployment: bool | None = None
    artifacts_dynamic_version: bool | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Sync:
    paths: list[str] = field(default_factory=list)
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Python:
    resources: list[str] = field(default_factory=list)
    mutators: list[str] = field(default_factory=list)
    venv_path: str | None = None


@dataclass(kw_only=True)
class Experimental:
    scripts: dict[str, str] = field(default_factory=dict)
    immutable_folder: bool | None = None
    python_wheel_wrapper: bool | None = None
    use_legacy_run_as: bool | None = None
    python: Python | None = None
    skip_artifact_cleanup: bool | None = None
    skip_name_prefix_for_schema: bool | None = None
    record_deployment_history: bool | None = None


@dataclass(kw_only=True)
class Lookup:
    alert: str | None = None
    cluster: str | None = None
    cluster_policy: str | None = None
    dashboard: str | None = None
    instance_pool: str | None = None
    job: str | None = None
    metastore: str | None = None
    notification_destination: str | None = None
    pipeline: str | None = None
    query: str | None = None
    service_principal: str | None = None
    warehouse: str | None = None


@dataclass(kw_only=True)
class Variable:
    default: Any = None
    description: str | None = None
    type: VariableType | None = None
    lookup: Lookup | None = None


@dataclass(kw_only=True)
class Permission:
    level: Level
    user_name: str | None = None
    group_name: str | None = None
    service_principal_name: str | None = None


@dataclass(kw_only=True)
class RunAs:
    user_name: str | None = None
    service_principal_name: str | None = None


@dataclass(kw_only=True)
class Script:
    content: str
    env: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Target:
    default: bool | None = None
    mode: Mode | None = None
    presets: Presets | None = None
    compute_id: str | None = None
    cluster_id: str | None = None
    bundle: Any = None
    workspace: Workspace | None = None
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    resources: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    git: Git | None = None
    run_as: RunAs | None = None
    sync: Sync | None = None
    permissions: list[Permission] = field(default_factory=list)


@dataclass(kw_only=True)
class Root:
    bundle: Bundle
    include: list[str] = field(default_factory=list)
    workspace: Workspace | None = None
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    resources: Any = None
    targets: dict[str, Target] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    sync: Sync | None = None
    run_as: RunAs | None = None
    presets: Presets | None = None
    experimental: Experimental | None = None
    permissions: list[Permission] = field(default_factory=list)
    scripts: dict[str, Script] = field(default_factory=dict)
    python: Python | None = None
