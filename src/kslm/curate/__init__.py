"""Bronze to silver to gold: what of the sources is worth learning, cleaned, judged, and divided by entity."""

from kslm.curate.stage import run

__all__ = ["run"]
