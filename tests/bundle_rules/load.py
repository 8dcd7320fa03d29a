"""Read databricks.yml and what it includes, as strictly as the CLI does, into one tree."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import yaml

Tree = dict[str, Any]
PATH_KEYS = {"python_file", "notebook_path", "command_path", "file_path", "project_directory", "requirements"}
MERGED_BY = {"tasks": "task_key", "job_clusters": "job_cluster_key", "parameters": "name"}
"""Lists that the CLI merges item by item, of a job; it appends to all others."""


class Loader(yaml.CSafeLoader):
    """YAML as the CLI reads it: no key twice, `yes` and `on` are words, merged mappings do not overlap."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if getattr(node, "checked", False):
            return super().flatten_mapping(node)
        node.checked = True
        keys = [key.value for key, _ in node.value]
        for key in {key for key in keys if keys.count(key) > 1}:
            raise yaml.MarkedYAMLError(problem=f"key {key!r} is given twice", problem_mark=node.start_mark)
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge" and isinstance(value, yaml.SequenceNode):
                given = [name.value for part in value.value for name, _ in part.value]
                if len(given) > len(set(given)):
                    # The CLI lets the last one win, YAML the first.
                    raise yaml.MarkedYAMLError(problem="merged mappings overlap", problem_mark=node.start_mark)
        return super().flatten_mapping(node)


Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), [*"tTfF"])


@dataclass
class Source:
    """A bundle as written: `config` with its includes merged in, and paths in it relative to `root`."""

    root: Path
    config: Tree
    found: list[str] = field(default_factory=list)


def load(root: Path) -> Source:
    """The bundle in `root`; what is wrong with its files is in `found`."""
    source = Source(root, {})
    source.config = _file(source, root / "databricks.yml")
    if not isinstance(source.config.setdefault("resources", {}), dict):
        source.found.append("resources are not a mapping")
        source.config["resources"] = {}
    patterns = source.config.get("include", [])
    if not isinstance(patterns, list):
        source.found.append("include is not a list")
        patterns = []
    for pattern in patterns:
        if not isinstance(pattern, str) or pattern.startswith(("/", "..")) or "${" in pattern:
            source.found.append(f"include {pattern}: not a path inside the bundle")
            continue
        files = sorted(root.glob(pattern))
        if not files:
            source.found.append(f"include {pattern} matches nothing")
        for file in files:
            _include(source, file)
    return source


def _include(source: Source, file: Path) -> None:
    tree, name = _file(source, file), file.relative_to(source.root)
    if "include" in tree:
        source.found.append(f"{name}: include is heeded in databricks.yml only")
    for block in ("variables", "artifacts"):
        for key in _keys(tree.get(block)) & _keys(source.config.get(block)):
            source.found.append(f"{block}.{key} is declared twice")
    if not isinstance(tree.get("resources", {}), dict):
        source.found.append(f"{name}: resources are not a mapping")
        return
    for kind, items in mapping(tree.get("resources")).items():
        for key in _keys(items) & _keys(source.config["resources"].get(kind)):
            source.found.append(f"{kind}.{key} is declared twice")
    source.config = merge(source.config, {key: value for key, value in tree.items() if key != "include"})


def _file(source: Source, file: Path) -> Tree:
    try:
        tree = _parse(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        source.found.append(f"{file.name}: {' '.join(str(error).split())}")
        return {}
    if not isinstance(tree, dict):
        source.found.append(f"{file.name}: not a mapping")
        return {}
    return rebased(tree, os.path.relpath(file.parent, source.root))


@lru_cache(maxsize=256)
def _parse(text: str) -> Any:
    return yaml.load(text, Loader)


def rebased(value: Any, folder: str, key: str = "") -> Any:
    """A copy with the paths relative to the bundle's root that are written relative to the file they stand in."""
    if isinstance(value, dict):
        return {name: rebased(item, folder, name) for name, item in value.items()}
    if isinstance(value, list):
        return [rebased(item, folder, key) for item in value]
    if not isinstance(value, str):
        return value
    if key in PATH_KEYS and not re.match(r"[/~$]|\w+:", value):
        return os.path.normpath(os.path.join(folder, value))
    # What the CLI takes for a local file; anything else is a requirement.
    local = re.match(r"(-r +|-e +|(?=\.|.*\.whl))(?![/~$]|\w+:)(.*?)(\[.*\])?$", value)
    if key == "dependencies" and local:
        return local[1] + os.path.normpath(os.path.join(folder, local[2])) + (local[3] or "")
    return value


def merge(base: Any, over: Any, key: str = "") -> Any:
    """`over` laid over `base`, as the CLI lays an included file or a target over the rest."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {name: merge(base.get(name), over.get(name), name) for name in base | over}
    if isinstance(base, list) and isinstance(over, list):
        return _merged_list(base, over, MERGED_BY.get(key))
    return base if over is None else over


def _merged_list(base: list[Any], over: list[Any], by: str | None) -> list[Any]:
    if by is None or not all(isinstance(item, dict) for item in base + over):
        return base + over
    given = {str(item.get(by)): item for item in over}
    known = {str(item.get(by)) for item in base}
    return [merge(item, given.get(str(item.get(by)))) for item in base] + [
        item for item in over if str(item.get(by)) not in known
    ]


def mapping(value: Any) -> Tree:
    """`value`, or an empty mapping where it is none; that it should be one is for the types to say."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Tree]:
    """The mappings in a list, or none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _keys(value: Any) -> set[str]:
    return set(mapping(value))
