"""Errors a user can act on: each names the input, the cause and the remedy.

Stages raise these and nothing else for a user's mistake or a missing piece of the machine; the command line
prints them without a traceback and turns `exit_code` into the process's exit status.
"""


class KslmError(Exception):
    """Something the user can mend.

    Args:
        problem: what failed, naming the input (file, line, field, table ...).
        cause: why, where it is known.
        remedy: what to do next, as a command or an instruction.
    """

    exit_code = 1

    def __init__(self, problem: str, *, cause: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.cause = cause
        self.remedy = remedy
        super().__init__(problem, cause, remedy)

    def __str__(self) -> str:
        parts = [self.problem]
        if self.cause:
            parts.append(f"Cause: {self.cause}")
        if self.remedy:
            parts.append(f"Remedy: {self.remedy}")
        return "\n".join(parts)


class SettingsError(KslmError):
    """A profile, an environment variable or a command-line argument that cannot be used."""

    exit_code = 2


class SourceError(KslmError):
    """A source that could not be fetched, or an archive that lies about itself."""


class DataError(KslmError):
    """Published data that disagrees with its manifest, or a table with the wrong schema."""


class HomeBusyError(KslmError):
    """Another run holds this KSLM_HOME."""

    exit_code = 4
