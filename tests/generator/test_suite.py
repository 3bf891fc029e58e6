"""The KUnit suites of devices are tables: what all devices share is not in them."""

from __future__ import annotations

import re

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kernel.target import DEFAULT, Target, embedded
from imsgen.generator.series import Planner, source_files
from imsgen.generator.views.suite import suite_view

from .conftest import EXAMPLES, REPOSITORY, device_of

DEVICES = [device_of(path) for path in sorted(EXAMPLES.glob("*.ims"))]

#: Lines that a suite may have at most.
LINES = {"timer": 250, "idxd": 350, "mlx5": 450}

#: Lines that a function of a suite may have at most: what is longer belongs to all devices.
BODY = 5

FUNCTION = re.compile(r"^(?:static )[^\n;=]*?(\w+)\([^;{]*\)\n\{\n(.*?)^\}", re.S | re.M)


def suite_of(device: Device) -> str:
    target = embedded(DEFAULT)
    files = source_files(Planner(target).series([device]), device, target, "", None)
    (text,) = (t for path, t in files.items() if path.endswith(f"/{device.name}_irqs_kunit.c"))
    return text


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_suites_are_tables(device: Device) -> None:
    text = suite_of(device)
    assert text.count("\n") <= LINES.get(device.name, 350)
    bodies = {
        m[1]: [line for line in m[2].split("\n") if line.strip()] for m in FUNCTION.finditer(text)
    }
    assert "test_init" in bodies and f"{device.name}_test_device" in bodies
    assert not {name: lines for name, lines in bodies.items() if len(lines) > BODY}


def test_a_suite_says_what_the_datasheet_does() -> None:
    (device,) = (d for d in DEVICES if d.name == "idxd")
    view = suite_view(device)
    (store,) = view.stores
    lines = {line.name: line.value for line in store.lines}
    assert lines["data"] == "{ 8, 4 }" and lines["mask"] == "BIT(0)"
    assert lines["max"] == "16128" and "isolated" in lines and "big_endian" not in lines
    assert store.tables == ("0x400, 16128",)
    (cookie,) = store.cookies
    assert ".limit = 0xfffff" in cookie and ".shift = 12" in cookie and "BIT(3)" in cookie


def test_a_fake_device_has_room_for_one_slot_too_many() -> None:
    """A driver that asks for it is refused by the layout's maximum, not by the BAR's end."""
    (device,) = (d for d in DEVICES if d.name == "idxd")
    machine = {line.name: line.value for line in suite_view(device).machine}
    assert int(machine["bar_size"], 16) == 0x400 + 16129 * 16


def test_a_fake_machine_has_a_vector_for_each_special_one() -> None:
    device = device_of(REPOSITORY / "tests" / "devices" / "gaudi.ims")
    machine = {line.name: line.value for line in suite_view(device).machine}
    assert int(machine["msix"]) > 48 and int(machine["vectors"]) > int(machine["msix"])


def test_a_fake_machine_has_the_table_of_the_layout() -> None:
    device = device_of(REPOSITORY / "tests" / "devices" / "nhi.ims")
    machine = {line.name: line.value for line in suite_view(device).machine}
    assert machine["msix"] == "16"


def test_a_machine_whose_pool_has_nothing() -> None:
    device = device_of(REPOSITORY / "tests" / "devices" / "virtio.ims")
    fewer = suite_view(device).fewer
    assert fewer is not None and (fewer.msix, fewer.msi) == (1, 0)
    assert fewer.empty == (
        "test_vq_get(run->irqs, 0)",
        "test_vq_get_dedicated(run->irqs, NULL)",
    )


def test_a_driver_may_find_no_free_index_to_pass(profile: Target) -> None:
    """Then the suite looks for the interrupt of the vector that is there: handlers would clash."""
    text = """device foo {
        pci 1af4:1234;
        store m: msi;
        vector v[2] = m[0..1];
        vector a = m[runtime max 1];
        vector b = m[runtime max 2];
        vector c = m[runtime max 2];
    }"""
    (device,) = load("foo.ims", text.encode()).devices
    view = suite_view(device)
    assert [v.name for v in view.vectors] == ["v_0", "v_1", "b"]
    assert [(v.name, v.vector, v.number) for v in view.shared] == [
        ("a", "v", ", 1"),
        ("c", "b", ""),
    ]
    files = Planner(profile).series([device]).files
    (suite,) = (file for path, file in files.items() if path.endswith("_kunit.c"))
    assert "foo_irq_a(run->irqs), foo_irq_v(run->irqs, 1));" in suite
