"""Values that say where a deployment keeps its things, whether job parameters or environment variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bundle_rules.resolve import View
from bundle_rules.typed import Later

RESOURCE_OF = {"experiment": "experiments", "model": "registered_models", "schema": "schemas"}


def points_at(name: str, value: Any, view: View) -> Iterator[str]:
    """A parameter that says where things are must name what the bundle declares."""
    if not isinstance(value, str) or isinstance(value, Later):
        return
    declared = [body.get("name") for body in view.all(RESOURCE_OF.get(name, "")).values()]
    if name in RESOURCE_OF and value not in declared:
        yield f"{name} is {value!r}, which no declared resource is named"
    if name == "catalog" and value not in [catalog for catalog, _ in view.schemas]:
        yield f"catalog is {value!r}, in which nothing is declared"
    if name == "profile" and (view.root / "conf").is_dir() and not (view.root / "conf" / f"{value}.yml").is_file():
        yield f"there is no profile {value} in conf/"
    if name == "home" and value not in view.volumes:
        yield f"home is {value!r}, which is no declared volume"
    schemas = tuple(f"/Volumes/{catalog}/{schema}/" for catalog, schema in view.schemas)
    for path in value.split(","):
        if path.strip().startswith(schemas) and not any(f"{path.strip()}/".startswith(f"{v}/") for v in view.volumes):
            yield f"{name}: {path.strip()} is in no declared volume"
