"""The command line: one verb a stage, plus run, ask, collect, doctor and ui. The only room that prints."""

from __future__ import annotations

from kslm.cli.app import main

__all__ = ["main"]
