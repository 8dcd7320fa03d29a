"""Sail: a Spark Connect server inside this process. No Java, nothing to install beyond the package.

The server is started once a process and catalog, and lives until the process ends; each `kslm.lake.open` has a session
of its own. The catalog is in memory and belongs to the session, so tables are registered again at first use; what is
true of a table is only what its Delta folder says.

Sail 0.7.2 writes a table located in "/a b" to "/a%20b", and reads no Parquet file at all from some other paths. Tables
under a path that is not plain are therefore reached through a link with a plain name, and files as encoded URLs.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kslm.errors import KslmError
from kslm.lake import workers
from kslm.lake.engine import Function, LocalEngine
from kslm.lake.tables import Table
from kslm.settings import Settings

if TYPE_CHECKING:
    from pysail.spark import SparkConnectServer

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
_servers: dict[str, SparkConnectServer] = {}


class SailEngine(LocalEngine):
    """A session on the embedded server."""

    part_bytes = None  # all parts are worked on at once, in one memory: more of them hold more

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        from pyspark.sql import SparkSession

        host, port = _server(settings.env.catalog).listening_address
        self.spark = SparkSession.builder.remote(f"sc://{host}:{port}").create()
        self._registered: set[str] = set()
        self._links: tempfile.TemporaryDirectory[str] | None = None
        self._root = settings.home.lake
        if not _PLAIN.fullmatch(str(self._root)):
            self._root.mkdir(parents=True, exist_ok=True)
            self._links = tempfile.TemporaryDirectory(prefix="kslm-")
            self._root = Path(self._links.name, "lake")
            self._root.symlink_to(settings.home.lake)

    def name(self, table: Table) -> str:
        """The table's name in SQL."""
        return f"{self.settings.env.catalog}.{self.schema(table)}.{table.name}"

    def create(self, table: Table) -> None:
        """Create the table if it is missing, and register its name in this session."""
        if str(table) in self._registered:
            return
        self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {self.settings.env.catalog}.{self.schema(table)}")
        # A table that exists is registered without its columns: declared maps differ from stored ones in field names.
        columns = "" if self.exists(table) else f"({table.ddl})"
        location = self._root / self.schema(table) / table.name
        self.spark.sql(f"CREATE TABLE IF NOT EXISTS {self.name(table)} {columns} USING delta LOCATION '{location}'")
        self._registered.add(str(table))

    def parallelism(self) -> int:
        """The machine's cores."""
        return os.cpu_count() or 1

    def on_all_cores(self, function: Function) -> Function:
        """Sail runs functions as threads of this process: where there is more than one core, they go to others."""
        return workers.in_workers(function) if (os.cpu_count() or 1) > 1 else function

    def close(self) -> None:
        """Stop the session and idle workers; the server stays for the next."""
        self.spark.stop()
        workers.close()
        if self._links:
            self._links.cleanup()

    def url(self, path: Path) -> str:
        """The path as an encoded URL."""
        return path.absolute().as_uri()


def _server(catalog: str) -> SparkConnectServer:
    """The process's server for `catalog`, started at the first call."""
    if catalog not in _servers:
        # Read by the server when it starts, and only then.
        os.environ.setdefault("RUST_LOG", "error")
        # Rows of a batch, 8,192 otherwise: of documents that is a hundred megabytes, several times over.
        os.environ.setdefault("SAIL_EXECUTION__BATCH_SIZE", "1024")
        # Rows that a file's writer holds until it has them, a million otherwise: the whole corpus.
        os.environ.setdefault("SAIL_PARQUET__MAX_ROW_GROUP_SIZE", "16384")
        os.environ["SAIL_CATALOG__LIST"] = f'[{{name="{catalog}", type="memory", initial_database=["default"]}}]'
        os.environ["SAIL_CATALOG__DEFAULT_CATALOG"] = catalog
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer(port=0)
        try:
            server.start(background=True)
        except Exception as error:
            raise KslmError(
                "the embedded Sail server did not start",
                cause=str(error),
                remedy="pip install --force-reinstall pysail==0.7.2, or KSLM_ENGINE=spark",
            ) from error
        _servers[catalog] = server
    return _servers[catalog]
