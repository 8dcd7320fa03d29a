"""From fetched files to bronze tables."""

from kslm.ingest.stage import run

__all__ = ["run"]
