"""One job run at a time in a KSLM_HOME that has no locks: tickets, as in a bakery.

Whoever wants the home writes a ticket of its own, a small file with the time it was drawn, and renews it while it waits
and works. It goes ahead once no live ticket of another owner is older. Tasks of one job run have one owner and do not
wait for each other: the job's graph orders them. A ticket that is not renewed lapses, so that a machine that is gone
blocks nobody for longer than that.

Nothing more is asked of the file system than that a file written by one machine is seen by another within `settle`
seconds, and of the machines that their clocks agree to some seconds.

Source: L. Lamport, A New Solution of Dijkstra's Concurrent Programming Problem, CACM 17(8), 1974.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kslm.errors import HomeBusyError
from kslm.published import write_atomically


@dataclass
class Lease:
    """A ticket for one folder.

    Attributes:
        folder: of the tickets.
        owner: who works; tickets of one owner do not exclude each other.
        lapses: seconds without renewal after which a ticket counts no more.
        settle: seconds until a file is certain to be seen by other machines.
    """

    folder: Path
    owner: str
    lapses: float = 300.0
    settle: float = 3.0
    _path: Path = field(init=False)
    _drawn: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._path = self.folder / f"{uuid.uuid4().hex}.json"

    @contextmanager
    def held(self, wait: float) -> Iterator[None]:
        """Hold the folder, after waiting for it for `wait` seconds at most.

        Raises:
            HomeBusyError: another owner still works in it.
        """
        self._drawn = time.time()
        self._renew()
        over = threading.Event()
        renewing = threading.Thread(target=self._keep, args=(over,), daemon=True)
        renewing.start()
        try:
            self._await_turn(wait)
            yield
        finally:
            over.set()
            renewing.join()
            self._path.unlink(missing_ok=True)

    def _await_turn(self, wait: float) -> None:
        time.sleep(self.settle)
        while (ahead := self._ahead()) is not None:
            if time.time() - self._drawn >= wait:
                raise HomeBusyError(
                    f"another run is at work in {self.folder.parent}",
                    cause=f"{ahead} has a ticket in {self.folder}",
                    remedy=f"wait for it, or stop it; a ticket lapses {self.lapses:.0f} s after its owner is gone",
                )
            time.sleep(self.settle)

    def _ahead(self) -> str | None:
        """The owner of a live ticket that was drawn before this one."""
        mine = (self._drawn, self._path.name)
        for path in self.folder.glob("*.json"):
            try:
                ticket = json.loads(path.read_text("utf-8"))
                owner, drawn, renewed = str(ticket["owner"]), float(ticket["drawn"]), float(ticket["renewed"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # given back meanwhile, or being renewed: it is looked at again
            if time.time() - renewed > self.lapses:
                path.unlink(missing_ok=True)
            elif owner != self.owner and (drawn, path.name) < mine:
                return owner
        return None

    def _renew(self) -> None:
        ticket = {"owner": self.owner, "drawn": self._drawn, "renewed": time.time()}
        write_atomically(self._path, json.dumps(ticket))

    def _keep(self, over: threading.Event) -> None:
        while not over.wait(self.lapses / 5):
            self._renew()
