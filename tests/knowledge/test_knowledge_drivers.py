"""What module aliases say of devices."""

from __future__ import annotations

import pytest

from kslm.knowledge.drivers import Device, because_of, drivers, drivers_of, generals, modules_of

I210 = Device("pci", "8086", "1533")
ALL, BOARDS = "pci:v00008086d00001533sv*sd*bc*sc*i*", "pci:v00008086d00001533sv00001028sd*bc*sc*i*"
VENDOR, RELEASE = "usb:v12D1p*d*dc*dsc*dp*ic*isc*ip*in*", "usb:v0B95p1790d02[0-9]*dc*dsc*dp*ic*isc*ip*in*"


def row(module, *aliases):
    return {"module": module, "aliases": list(aliases)}


def test_a_module_drives_a_device_by_the_alias_that_limits_it_least():
    (driver,) = drivers([row("igb", BOARDS, ALL)])
    assert driver == (I210, "igb", False, ALL)
    (some,) = drivers([row("picky", BOARDS)])
    assert some == (I210, "picky", True, BOARDS)
    (revision,) = drivers([row("usb", RELEASE)])
    assert revision == (Device("usb", "0b95", "1790"), "usb", True, RELEASE)


def test_modules_for_some_boards_count_where_there_are_no_others():
    both = drivers_of([row("igb", ALL), row("picky", BOARDS), row("choosy", BOARDS)])[I210]
    assert modules_of(both) == ["igb"]
    assert modules_of({"picky": True, "choosy": True}) == ["choosy", "picky"]


def test_what_tries_out_a_bus_drives_nothing():
    rows = [row("usbtest", "usb:v0B95p1790d*dc*dsc*dp*ic*isc*ip*in*", "usb:v0B95p*d*dc*dsc*dp*ic*isc*ip*in*")]
    assert not [*drivers(rows), *generals(rows)]


def test_aliases_of_vendors_and_classes_are_general():
    rows = [
        row("nvme", "pci:v*d*sv*sd*bc01sc08i02*"),
        row("igb", ALL),
        row("option", "usb:v12D1p*d*dc*dsc*dp*ic*isc*ip*in*"),
    ]
    assert [(one.bus, one.vendor, one.module) for one in generals(rows)] == [
        ("pci", None, "nvme"),
        ("usb", "12d1", "option"),
    ]
    assert drivers_of(rows).keys() == {I210}
    takes_all = [row("pcistub", "pci:v*d*sv*sd*bc*sc*i*"), row("any", "usb:v*p*d*dc*dsc*dp*ic*isc*ip*in*")]
    assert list(generals(takes_all)) == []


@pytest.mark.parametrize(
    ("alias", "device", "code", "reason"),
    [
        ("pci:v*d*sv*sd*bc01sc08i02*", I210, "010802", "class 010802"),
        ("pci:v*d*sv*sd*bc01sc08i02*", I210, None, None),
        ("pci:v*d*sv*sd*bc01sc08i02*", I210, "0200", None),
        ("pci:v00008086d*sv*sd*bc*sc*i*", I210, None, "vendor 8086"),
        ("pci:v00001002d*sv*sd*bc*sc*i*", I210, None, None),
        ("usb:v12D1p*d*dcEFdsc*dp*ic*isc*ip*in*", Device("usb", "12d1", "1001"), None, "vendor 12d1 and class ef"),
        ("usb:v*p*d*dc*dsc*dp*ic08isc*ip*in*", Device("usb", "12d1", "1001"), None, None),
        ("of:N*T*Cvendor,chip", I210, "0200", None),
    ],
)
def test_why_an_alias_takes_a_device(alias, device, code, reason):
    assert because_of(alias, device, code) == reason
