"""What belongs together does, and groups stay as small as drivers are."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.knowledge import entities
from kslm.knowledge.drivers import Device
from kslm.knowledge.entities import Target


def module(name, folder, *aliases, depends=()):
    path = f"lib/modules/6.1.0/kernel/{folder}/{name}.ko" if folder else "modules.builtin.modinfo"
    return {"module": name.replace("-", "_"), "path": path, "aliases": list(aliases), "depends": list(depends)}


INTEL = "drivers/net/ethernet/intel"
MODULES = [
    module("igb", f"{INTEL}/igb", "pci:v00008086d00001533sv*sd*bc*sc*i*"),
    module("e1000e", f"{INTEL}/e1000e", "pci:v00008086d000010D3sv*sd*bc*sc*i*"),
    module("radeon", "drivers/gpu/drm/radeon", "pci:v00001002d00004150sv*sd*bc*sc*i*", depends=["drm"]),
    module("radeonfb", "drivers/video/fbdev/aty", "pci:v00001002d00004150sv*sd*bc*sc*i*"),
    module("amdgpu", "drivers/gpu/drm/amd/amdgpu", depends=["drm"]),
    *(module(f"drm{tail}", "drivers/gpu/drm") for tail in ("", "_buddy", "_kms_helper", "_mipi_dsi", "_ttm_helper")),
    module("iwlwifi", "drivers/net/wireless/intel/iwlwifi"),
    module("iwlmvm", "drivers/net/wireless/intel/iwlwifi/mvm", depends=["iwlwifi"]),
    module("mlx5_core", "drivers/net/ethernet/mellanox/mlx5/core"),
    module("mlx5_ib", "drivers/infiniband/hw/mlx5", depends=["mlx5-core"]),
    *(module(name, "drivers/hwmon") for name in ("lm90", "ad7314", "jc42", "w83795", "asus_ec", "asus_wmi")),
    module("it87", "drivers/hwmon", "of:N*T*Cite,it87", "of:N*T*Cite,it87C*"),
    *(module(f"i2c-{name}", "drivers/i2c/busses") for name in ("i801", "ismt", "piix4", "viapro", "sis96x")),
    *(module(f"snd-{name}", f"sound/pci/{name}", depends=["snd-pcm"]) for name in ("a", "b", "c", "d", "e", "f")),
    module("snd-pcm", "sound/core"),
    module("bluetooth", "net/bluetooth"),
    module("ext4", None),
]
NAMES = {Device("pci", "8086", "1533"): "I210", Device("pci", "8086", "1536"): "I210"}
WORLD = entities.build(MODULES, NAMES)

SAME = {
    "a folder of a driver without a module": ("drivers/gpu/drm/amd/display/dc/core.c", "amdgpu"),
    "a folder within a driver's": ("drivers/net/wireless/intel/iwlwifi/fw/api/scan.h", "iwlwifi"),
    "a part that needs the whole": ("drivers/net/wireless/intel/iwlwifi/mvm/ops.c", "iwlwifi"),
    "a family that needs each other": ("drivers/infiniband/hw/mlx5/main.c", "mlx5_core"),
    "a file of a shared folder": ("drivers/hwmon/lm90.c", "lm90"),
    "a file named after a bus driver": ("drivers/i2c/busses/i2c-i801.c", "i2c_i801"),
    "documentation": ("Documentation/networking/device_drivers/ethernet/intel/igb.rst", "igb"),
    "documentation in a shared folder": ("Documentation/hwmon/w83795.rst", "w83795"),
    "documentation with a longer name": ("Documentation/hwmon/jc42-datasheet.rst", "jc42"),
    "documentation in a driver's folder": (
        "Documentation/networking/device_drivers/ethernet/mellanox/mlx5/counters.rst",
        "mlx5_core",
    ),
    "headers": ("include/linux/mlx5/driver.h", "mlx5_core"),
    "a protocol": ("net/bluetooth/hci_core.c", "bluetooth"),
}


@pytest.mark.parametrize("case", SAME)
def test_what_belongs_to_a_driver_is_of_its_group(case):
    path, name = SAME[case]
    assert WORLD.of_source(path) == WORLD.modules[name]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("igb", "e1000e"),
        ("radeon", "drm"),
        ("radeon", "amdgpu"),
        ("lm90", "jc42"),
        ("i2c_i801", "i2c_ismt"),
        ("snd_a", "snd_b"),
        ("iwlwifi", "igb"),
    ],
)
def test_neighbours_stay_apart(one, other):
    assert WORLD.modules[one] != WORLD.modules[other]


def test_what_is_no_driver_s_is_its_own():
    for path in (
        "Documentation/usb/drm-cardlist.rst",
        "mm/slub.c",
        "Documentation/mm/slub.rst",
        "net/core/sock.c",
        "fs/ext4/inode.c",
        "crypto/aes.c",
    ):
        assert WORLD.of_source(path) == path
    assert WORLD.of_source("drivers/gpu/drm/msm/msm_drv.c") == "drivers/gpu/drm/msm"
    assert WORLD.of_source("drivers/hwmon/hwmon-vid.c") == "drivers/hwmon"


def test_devices_of_one_vendor_and_name_are_one_group_among_the_vendors():
    group = WORLD.of_device(Device("pci", "8086", "1533"))
    assert group == WORLD.of_device(Device("pci", "8086", "1536"))
    assert group.startswith("pci:8086:")
    assert WORLD.of_device(Device("pci", "8086", "0001")) == "pci:8086"


@pytest.mark.parametrize(
    ("path", "name", "text", "expected"),
    [
        (f"{INTEL}/Kconfig", "IGB", "Adapters.", "igb"),
        (f"{INTEL}/Kconfig", "OTHER", "The module will be called igb.", "igb"),
        ("drivers/hwmon/Kconfig", "SENSORS_LM90", "Sensors.", "lm90"),
        ("drivers/gpu/drm/Kconfig", "DRM_RADEON", "Cards.", "radeon"),
    ],
)
def test_symbols_go_with_their_module(path, name, text, expected):
    assert WORLD.of_symbol(path, text, name) == WORLD.modules[expected]


def test_other_symbols_are_the_same_group_wherever_they_are_defined():
    assert WORLD.of_symbol("arch/x86/Kconfig", "Symmetric.", "SMP") == "config:SMP"
    assert WORLD.of_symbol("arch/arm64/Kconfig", "Symmetric.", "SMP") == "config:SMP"
    assert WORLD.of_symbol("mm/Kconfig", "Not of hwmon.", "SENSE_LM90") == "config:SENSE_LM90"
    assert WORLD.of_symbol("drivers/hwmon/Kconfig", "Core.", "HWMON_VID") == "drivers/hwmon"


def test_bindings_go_with_the_driver_of_their_compatible():
    it87, path = WORLD.modules["it87"], "Documentation/devicetree/bindings/hwmon/sensor.yaml"
    assert WORLD.of_binding(path, "compatible:\n  enum:\n    - acme,none\n    - ite,it87\n") == it87
    assert WORLD.of_binding("Documentation/devicetree/bindings/hwmon/ite,it87.yaml", "") == it87
    assert WORLD.of_binding(path, "compatible: acme,none") == path


@given(st.randoms())
def test_groups_do_not_depend_on_the_order_of_modules(rng):
    shuffled = list(MODULES)
    rng.shuffle(shuffled)
    assert entities.build(shuffled, NAMES) == WORLD


NAME = st.from_regex(r"[a-z]{1,3}(_[a-z0-9]{1,3}){0,3}", fullmatch=True)
FOLDER = st.lists(st.sampled_from(["net", "a", "b", "hw", "c1"]), min_size=1, max_size=5).map(
    lambda p: "/".join(["drivers", *p])
)


@given(
    st.dictionaries(NAME, st.tuples(FOLDER, st.lists(NAME, max_size=3)), max_size=30), st.text(min_size=1, max_size=30)
)
def test_any_tree_is_grouped_and_every_module_s_own_file_is_with_it(world, path):
    built = entities.build([module(name, folder, depends=d) for name, (folder, d) in world.items()], {})
    for name, (folder, _) in world.items():
        assert built.of_source(f"{folder}/{name}.c") == built.modules[name]
    for prefix in ("", "drivers/", "Documentation/", "include/"):
        assert built.of_source(prefix + path)
    assert built.of_symbol(path, path, path)
    assert built.of_binding(path, path) == path


def test_grouping_is_stable_when_an_unrelated_module_comes():
    rng = random.Random(1)
    more = [module(f"new{n}", f"drivers/new/n{rng.randrange(9)}") for n in range(20)]
    after = entities.build([*MODULES, *more], NAMES)
    assert {name: after.modules[name] for name in WORLD.modules} == WORLD.modules


def test_what_a_file_is_built_into():
    modules = [
        {"module": "snd-acme", "path": "kernel/sound/acme/snd-acme.ko", "aliases": []},
        {"module": "core", "path": "kernel/drivers/misc/core.ko", "aliases": []},
    ]
    makefiles = {
        "sound/acme/Makefile": "obj-$(CONFIG_SND_ACME) += snd-acme.o\nsnd-acme-y := chip.o\nobj-y += always.o\n",
        "sound/core/Makefile": "obj-$(CONFIG_SND) += core.o\n",
    }
    known = entities.build(modules, {}, makefiles)
    assert known.target("sound/acme/chip.c") == Target("snd_acme", "module", "SND_ACME")
    assert known.target("sound/acme/always.c") == Target("always", "fixed")
    assert known.target("sound/core/core.c") == Target("core", "option", "SND")
    assert known.target("sound/acme/chip.h") is None
    assert known.of_source("sound/acme/chip.c") == known.modules["snd_acme"]
    assert known.options == {"SND_ACME": "snd-acme", "SND": "core"}
