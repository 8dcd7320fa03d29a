"""What belongs together: modules, the devices they drive, the folders they are built from, and what speaks of them.

The split keeps an entity whole. The unit for drivers is the source folder where it is a driver's own, as for igb. In
a folder that many drivers share (hwmon, i2c/busses) it is the modules whose names begin alike, with the files so named.
Joined are

* a folder and one below it, where a module of the one needs a module of the other (iwlwifi and iwlwifi/mvm);
* modules whose names begin alike, where one needs the other (mlx5_ib, mlx5_core).

Folders without a module go with the driver around them (amdgpu's display code, iwlwifi/fw); documentation and headers
with the module or driver's folder they, or the folder they are in, are named after; a device-tree binding with the
driver of its `compatible`; a Kconfig symbol with the module it is named after or its help names. Any other symbol is a
group of its own, the same in whatever files define it.

A PCI or USB device is an entity of its own, as far as vendor and name tell devices apart: what has one vendor and name
is in one split. A vendor's devices are put into BUCKETS groups by their names, so that those of one group can share a
document. A driver is therefore met in training although some of its devices are held out, which is what makes "which
driver does this device need?" a question that can be learnt; what other texts say of those devices (the driver's card,
comments, Kconfig) is taken out by `kslm.curate.split.holdout`.

A group is named after the first of its folders: a new kernel that joins two drivers may move one of them to another
split.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import xxhash

from kslm.knowledge.drivers import Device, drivers_of
from kslm.knowledge.families import Union, last_names, related, trees_of, units_of, upwards
from kslm.sources.kernel import kbuild

Row = Mapping[str, Any]

BUCKETS = 20
"""Groups that the devices of one vendor are put into."""
_BUILT_IN_FOLDERS = ("drivers/", "sound/", "fs/", "net/")
"""Where a folder belongs to a driver; elsewhere (crypto, lib) unrelated modules share one."""
_OF_ALIAS = re.compile(r"of:N[^T]*T[^C]*C(.+?)(?:C\*|\*)?")
_COMPATIBLE = re.compile(r"[A-Za-z0-9-]+,[A-Za-z0-9._+-]*[A-Za-z0-9]")
_MODULE_CALLED = re.compile(r"module\s+(?:will\s+be|is)\s+(?:called|named)\s+[\"'`]*([A-Za-z0-9_-]+)")


class Target(NamedTuple):
    """What a C file is built into.

    Attributes:
        name: KBUILD_MODNAME, which its messages may begin with; a module's, where it is one.
        how: "module" if bronze.modules has it, "option" if an option asks for it, "fixed" if it is always built in.
        symbol: that option, without CONFIG_; "" where there is none.
    """

    name: str
    how: str
    symbol: str = ""


@dataclass(frozen=True)
class Entities:
    """The split groups of one set of tables; small enough to travel with a function to every worker."""

    modules: dict[str, str]
    """Module to group."""
    folders: dict[str, str]
    """Source folder that modules are built in, to group; of a shared folder, the group of what is no module's."""
    devices: Mapping[Device, str] | None
    """Device with a name or a driver, to group; None where nobody asks about devices."""
    trees: dict[str, str] = field(default_factory=dict)
    """Source folder of one driver whose folders below, where no module is built in them, are its parts, to group."""
    homes: dict[str, str] = field(default_factory=dict)
    """Module to the folder it is built in."""
    units: dict[str, str] = field(default_factory=dict)
    """Shared folder and family, as `drivers/hwmon/lm90`, to group."""
    names: dict[str, str] = field(default_factory=dict)
    """Last part of a driver's folder, where only one is called so, to group."""
    compatibles: dict[str, str] = field(default_factory=dict)
    """Device-tree `compatible` with a driver, to group."""
    built: dict[str, str] = field(default_factory=dict)
    """C file, without its suffix, to what it is built into: a Target, its fields with a blank between."""
    options: dict[str, str] = field(default_factory=dict)
    """Kconfig symbol, without CONFIG_, to the modules built for it (`kbuild.by_option`)."""
    vendors: Mapping[str, str] = field(default_factory=dict)
    """Vendor prefix of a device-tree `compatible` to the vendor's name."""

    def without_devices(self) -> Entities:
        """The same for those who ask about no device, much smaller."""
        return replace(self, devices=None)

    def of_device(self, device: Device) -> str:
        """A device's group; one in no table belongs to its vendor."""
        if self.devices is None:
            raise TypeError("these entities were made without devices")
        return self.devices.get(device) or f"{device.bus}:{device.vendor}"

    def of_source(self, path: str) -> str:
        """Group of a file of the kernel tree.

        Drivers group by folder, so that all comments about one driver stay together; documentation and headers go with
        the driver they are named after, and everything else is a group of its own.
        """
        target = self.target(path)
        if target and target.how == "module":
            return self.modules[target.name]
        folder = str(PurePosixPath(path).parent)
        if path.startswith(_BUILT_IN_FOLDERS):
            return (
                self._unit_of(path)
                or self._driver_of(folder)
                or (folder if path.startswith(("drivers/", "sound/")) else path)
            )
        if path.startswith(("Documentation/", "include/")):
            named = [self.modules[name] for name in _shortened(path, 4) if name in self.modules]
            around = [self.names[name] for name in _subjects(path) if name in self.names]
            return next(iter(named + around), path)
        return path

    def target(self, path: str) -> Target | None:
        """What a C file is built into, as the Makefiles say; None for a header, and where they do not."""
        stem, _, suffix = path.rpartition(".")
        target = self.built.get(stem) if suffix in ("c", "S") else None
        return Target(*target.split(" ")) if target else None

    def _unit_of(self, path: str) -> str | None:
        """Group of a file in a shared folder whose name begins or ends as a module's there."""
        folder = str(PurePosixPath(path).parent)
        if self.folders.get(folder) != folder:
            return None
        stem = module_name(PurePosixPath(path).stem)
        if self.homes.get(stem) == folder:
            return self.modules[stem]
        named = (self.units.get(f"{folder}/{name}") for name in _shortened(path))
        return next((group for group in named if group), None)

    def _driver_of(self, folder: str) -> str | None:
        around = (self.trees[outer] for outer in upwards(folder) if outer in self.trees)
        return self.folders.get(folder) or next(around, None)

    def of_symbol(self, path: str, help_text: str, name: str = "") -> str:
        """Group of a Kconfig symbol: its module's, else its driver's folder, else its own.

        Args:
            path: of the Kconfig file.
            name: without CONFIG_; without it, a symbol of no module has its file's group.
        """
        match = _MODULE_CALLED.search(help_text)
        folder, lowered = str(PurePosixPath(path).parent), name.lower()
        for module in (module_name(match[1]) if match else "", lowered):
            if module in self.modules:
                return self.modules[module]
        parts = lowered.split("_")
        for tail in ("_".join(parts[start:]) for start in range(1, len(parts))):
            if len(tail) >= 3 and f"{self.homes.get(tail)}/".startswith(f"{folder}/"):
                return self.modules[tail]
        if not name:
            return self.of_source(path)
        return self._driver_of(folder) or f"config:{name}"

    def of_binding(self, path: str, text: str) -> str:
        """Group of a device-tree binding: the driver of the first `compatible` in it that has one, else its own."""
        stem = PurePosixPath(path).stem
        named = (match[0] for match in _COMPATIBLE.finditer(text))
        return next((self.compatibles[name] for name in (stem, *named) if name in self.compatibles), path)


def _shortened(path: str, shortest: int = 1) -> Iterator[str]:
    """Names a module of this file might have, the likeliest first: ctucanfd_driver and ctucanfd of ctucanfd-driver.

    The file's own name may be shorter than `shortest`, what is left of it may not.
    """
    name = module_name(PurePosixPath(path).stem)
    yield name
    while len(name := name.rpartition("_")[0]) >= shortest:
        yield name


def _subjects(path: str) -> Iterator[str]:
    """Folders of a document or header, from the inside out, but for the outermost, which name whole subsystems."""
    parts = PurePosixPath(path).parts
    subjects = parts[2:-1] if parts[0] == "include" else parts[3:-1]
    return map(module_name, reversed(subjects))


def module_name(name: str) -> str:
    """The kernel writes `-` in file names and `_` in module names; compare them as the latter."""
    return name.replace("-", "_")


def device_names(rows: Iterable[Row], bus: str) -> dict[Device, str]:
    """Names of the devices in one id table."""
    return {Device(bus, row["vendor"], row["device"]): row["name"] for row in rows if row["level"] == "device"}


def source_folder(path: str) -> str:
    """The kernel's folder of a module file: `lib/modules/6.12.1/kernel/drivers/net/tun.ko` is of `drivers/net`."""
    folder = str(PurePosixPath(path).parent)
    return re.sub(r"^(?:.*?/)??kernel/(?=[a-z])", "", folder, count=1) if "kernel/" in folder else folder


def build(modules: Iterable[Row], names: Mapping[Device, str], makefiles: Mapping[str, str] | None = None) -> Entities:
    """Group modules, folders and devices.

    Args:
        modules: rows of bronze.modules.
        names: device names of all buses.
        makefiles: path in the kernel tree to text.
    """
    modules = sorted(modules, key=lambda row: str(row["module"]))
    homes = {module_name(row["module"]): _home(row) for row in modules}
    needs = {module_name(row["module"]): [module_name(other) for other in row.get("depends") or ()] for row in modules}
    units = units_of(homes)
    joined = Union()
    for left, right in related(needs, homes, units):
        joined.join(left, right)
    devices = {device: _bucket(device, names.get(device)) for device in {*names, *drivers_of(modules)}}
    groups = {module: joined.root(unit) for module, unit in units.items()}
    folders = {home: joined.root(home) for home in homes.values() if not home.startswith("module:")}
    trees = trees_of(homes, groups)
    places = {(module_name(row["module"]), source_folder(row["path"] or "")) for row in modules}
    built = kbuild.built(makefiles or {})
    return Entities(
        modules=groups,
        folders=folders,
        trees=trees,
        devices=devices,
        homes=homes,
        units={unit: groups[module] for module, unit in units.items() if unit != homes[module]},
        names=last_names(folders | trees),
        compatibles={
            match[1]: groups[module_name(row["module"])]
            for row in reversed(modules)
            for alias in row["aliases"] or ()
            if (match := _OF_ALIAS.fullmatch(alias))
        },
        built={stem: " ".join(_target(object_, places)) for stem, object_ in built.items()},
        options=kbuild.by_option(built),
    )


def _target(built: kbuild.Built, places: set[tuple[str, str]]) -> Target:
    """A module counts if it is built in the folder that bronze.modules has it in: many objects are called `core`."""
    name = module_name(built.name)
    if not built.fixed and (name, built.folder) in places:
        return Target(name, "module", built.symbol or "")
    return Target(name, "option", built.symbol) if built.symbol else Target(name, "fixed")


def _bucket(device: Device, name: str | None) -> str:
    """Group of a device among its vendor's: by its name, without regard to case and blanks, else by its id."""
    told = "".join((name or device.device).lower().split())
    number = xxhash.xxh3_64_intdigest(f"{device.bus}\0{device.vendor}\0{told}".encode()) % BUCKETS
    return f"{device.bus}:{device.vendor}:{number:02d}"


def _home(row: Row) -> str:
    folder = source_folder(row["path"] or "")
    return folder if folder.startswith(_BUILT_IN_FOLDERS) else f"module:{row['module']}"
