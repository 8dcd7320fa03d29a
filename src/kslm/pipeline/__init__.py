"""The stages as a graph, when one may be reused, and who holds the home."""

from kslm.pipeline.graph import PIPELINE, STAGES, Stage, before, select
from kslm.pipeline.hold import hold
from kslm.pipeline.run import current_report, fingerprint, run_stage

__all__ = ["PIPELINE", "STAGES", "Stage", "before", "current_report", "fingerprint", "hold", "run_stage", "select"]
