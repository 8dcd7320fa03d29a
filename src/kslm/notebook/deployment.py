"""What the bundle called things where a notebook was deployed: the defaults of its parameters.

The names follow databricks.yml and resources/, and a test compares them. In the target `dev` the Databricks CLI puts
the developer's name before them; how it spells that is taken from its source (2026-11: `GetShortUserName`,
`normalizePrefix`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

DEV, BASE, PROFILE = "dev", "kslm", "quick"
"""The developer's target, and the variables `schema` and `profile` of the bundle."""


@dataclass(frozen=True)
class Deployment:
    """One target of the bundle, as one user sees it.

    Attributes:
        target: dev, staging or prod, each with a catalog of the same name; prod_small is the profile small in prod's.
        user: e-mail address or name of whoever runs the notebook.
    """

    target: str
    user: str

    @classmethod
    def around(cls, folder: PurePosixPath, user: str) -> Deployment:
        """The deployment whose files a folder is among (`.../.bundle/<bundle>/<target>/files/...`); else the user's own
        one, as of a Git folder or an imported notebook.
        """
        parts = folder.parts
        deployed = ".bundle" in parts[:-3] and parts[parts.index(".bundle") + 3] == "files"
        return cls(parts[parts.index(".bundle") + 2] if deployed else DEV, user)

    @property
    def catalog(self) -> str:
        """Catalog of everything."""
        return self.target.partition("_")[0]

    @property
    def profile(self) -> str:
        """The profile that is deployed."""
        return self.target.partition("_")[2] or PROFILE

    @property
    def schema(self) -> str:
        """Schema of volumes and model, and the model's name; what the names of the tables' schemas begin with."""
        return f"{self._prefix}{BASE}{self.target.removeprefix(self.catalog)}"

    def experiment(self, schema: str) -> str:
        """The experiment's path in the workspace, of the deployment that has this schema."""
        shown = f"[dev {self._short}] " if self.target == DEV else ""
        return f"/Shared/{shown}{schema.removeprefix(self._prefix)}-{self.target}"

    @property
    def _short(self) -> str:
        name = self.user.partition("@")[0].lower()
        return "".join(letter if letter.isalnum() else "_" for letter in name)

    @property
    def _prefix(self) -> str:
        return f"dev_{self._short}_" if self.target == DEV else ""
