"""What a stage costs while it runs."""

from __future__ import annotations

import threading
import time

import psutil


class Meter:
    """Wall and CPU seconds and peak resident memory of this process and its children, sampled."""

    interval = 0.2

    def __enter__(self) -> Meter:
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._begin, self._cpu_begin = time.monotonic(), self._cpu()
        self.peak_rss_mb = 0.0
        self._cpu_children: dict[int, float] = {}
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._begin
        self.cpu_seconds = round(self._cpu() - self._cpu_begin + sum(self._cpu_children.values()), 2)

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _sample(self) -> None:
        while not self._stop.wait(self.interval):
            total = self._process.memory_info().rss
            for child in self._process.children(recursive=True):
                try:
                    total += child.memory_info().rss
                    times = child.cpu_times()
                    self._cpu_children[child.pid] = times.user + times.system
                except psutil.Error:
                    continue
            self.peak_rss_mb = max(self.peak_rss_mb, round(total / 1e6, 1))
