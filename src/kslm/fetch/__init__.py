"""From places named in the profile to verified files in the landing folder."""

from kslm.fetch.stage import run

__all__ = ["run"]
