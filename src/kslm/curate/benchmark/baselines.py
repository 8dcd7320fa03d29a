"""What a guess from the tables alone answers: figures without which no model's score means anything.

All of them look at training entities only. Ids of one vendor are handed out in blocks, so the driver of the nearest id
is a strong guess; a model that does not beat it has learnt nothing about devices.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from kslm.knowledge.drivers import Device


class Guesses:
    """Answers to questions about a device, from the labels of others.

    Args:
        labels: what is known of each training device: its modules, or its name.
    """

    def __init__(self, labels: Mapping[Device, Iterable[str]]) -> None:
        every: dict[str, Counter[str]] = defaultdict(Counter)
        vendors: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        ids: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._labels = {device: " ".join(sorted(label)) for device, label in labels.items()}
        for device in sorted(self._labels):
            label = self._labels[device]
            every[device.bus][label] += 1
            vendors[device.bus, device.vendor][label] += 1
            ids[device.bus, device.vendor].append(int(device.device, 16))
        self._every, self._vendors, self._ids = every, vendors, ids

    def majority(self, device: Device) -> str:
        """The most frequent label of the device's bus; "" where there is none."""
        return _most_frequent(self._every[device.bus], self._labels.get(device))

    def vendor_majority(self, device: Device) -> str:
        """The most frequent label of the vendor's devices, else of all."""
        of_vendor = _most_frequent(self._vendors[device.bus, device.vendor], self._labels.get(device))
        return of_vendor or self.majority(device)

    def nearest(self, device: Device) -> str:
        """The label of the vendor's numerically nearest device, the lower of two at one distance; else the majority.

        A device is never its own neighbour, so this is a leave-one-out guess for devices that are among the labels.
        """
        ids, number = self._ids[device.bus, device.vendor], int(device.device, 16)
        place = bisect_left(ids, number)
        after = place + (place < len(ids) and ids[place] == number)
        near = [ids[index] for index in (place - 1, after) if 0 <= index < len(ids)]
        if not near:
            return self.majority(device)
        closest = min(near, key=lambda other: abs(other - number))
        return self._labels[device._replace(device=f"{closest:04x}")]


def _most_frequent(counts: Counter[str], own: str | None) -> str:
    """The most frequent label, the first by name of several, not counting the device's own."""
    best = min(counts.items(), key=lambda item: (-item[1] + (item[0] == own), item[0]), default=("", 0))
    return best[0] if best[1] > (best[0] == own) else ""
