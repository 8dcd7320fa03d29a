"""The stages as a graph, when one may be reused, and who holds the home."""

from kslm.pipeline.graph import PIPELINE, STAGES, Stage, before, select
from kslm.pipeline.hold import claim, hold
from kslm.pipeline.run import current_report, fingerprint, run_stage

__all__ = [
    "PIPELINE",
    "STAGES",
    "Stage",
    "before",
    "claim",
    "current_report",
    "fingerprint",
    "hold",
    "run_stage",
    "select",
]
