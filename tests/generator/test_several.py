"""Devices with several stores beside MSI and MSI-X: what is said of all together, and of each."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kinds import ims_of
from imsgen.generator.views.device import device_view
from imsgen.generator.views.minimum import too_few
from imsgen.generator.views.pools import pool_view
from imsgen.generator.views.skeleton import skeleton_view
from imsgen.generator.views.suite import suite_view
from imsgen.generator.views.suite_stores import SuiteStore, fake_memory

ROOT = Path(__file__).parents[2]
SLOT = "slot 16 { address_lo @0; data @4; control @8 { mask bit 0; } }"


def device(*lines: str) -> Device:
    """A device with these statements."""
    text = "\n".join(("device foo {", "pci 1af4:1234;", "requires remapping;", *lines, "}"))
    result = load("foo.ims", text.encode())
    assert result.ok, result.diagnostics
    return result.devices[0]


def pds() -> Device:
    """The real device."""
    return load(str(ROOT / "tests" / "devices" / "pds.ims")).devices[0]


def suites() -> tuple[SuiteStore, ...]:
    """The stores of the real device's suite."""
    return suite_view(pds()).stores


def test_set_up_together() -> None:
    view = device_view(pds())
    calls = [step.call for step in view.steps]
    assert calls[0] == "pci_ims_init_all(pdev, setups, ARRAY_SIZE(setups))"
    assert not any("pci_ims_init(" in call for call in calls)
    assert [store.name for store in view.setups] == ["intr", "ctrl"]


def test_one_store_alone() -> None:
    view = device_view(device("store c: command { slots 8; }", "vector a = c[0];"))
    assert view.setups == ()
    assert view.steps[0].call.startswith("pci_ims_init(&irqs->c, ")


def test_commands_go_first_and_come_last() -> None:
    view = device_view(pds())
    assert [store.name for store in view.stores] == ["ctrl", "intr", "table"]
    assert [store.name for store in view.ims] == ["intr", "ctrl"]


def test_cookies_of_one_store_are_no_others() -> None:
    found = device(
        f"store a: memory {{ slots 8; {SLOT.replace('bit 0', 'bit 0 active low')} }}",
        "store b: command { slots 8; cookie queue optional; }",
        "pool p = a + b { share per cpu up to 2; dedicated; }",
    )
    info = {store.name: {line.name for line in store.info} for store in device_view(found).stores}
    assert "no_cookie" in info["a"]
    assert "no_cookie" not in info["b"]
    pool = pool_view(found, found.pools[0], "")
    assert "cookie.value" not in {line.name for line in pool.info}
    assert "foo_b_cookie" in pool.cookie_param


def owners() -> Device:
    """The layout whose BARs and cookies the driver passes."""
    path = ROOT / "tests" / "layouts" / "several.ims"
    return next(d for d in load(str(path)).devices if d.name == "manyowners")


def test_bars_that_the_driver_passes_are_each_its_own() -> None:
    found = device(
        f"store a: iomem {{ bar runtime; offset 0x100; slots 8; {SLOT} }}",
        f"store b: iomem {{ bar runtime; offset 0x100; slots 8; {SLOT} }}",
        f"store c: iomem {{ bar 4; offset 0x100; slots 8; {SLOT} }}",
        "pool p = a + b + c { share per cpu up to 2; }",
    )
    mapped = fake_memory(found).mapped
    assert sorted(mapped) == ["a_bar", "b_bar", "bar4"] and len(set(mapped.values())) == 3
    passed = {line.name: line.value for line in suite_view(found).assigned}
    assert passed["a_bir"] == "asked->bir[0]" and passed["b_bir"] == "asked->bir[1]"
    (asked,) = (line.value for line in suite_view(found).device if line.name == "asked")
    assert ".bir[0] = 4" in asked and ".bir[1] = 4" in asked and "bir[2]" not in asked


def test_shared_vectors_carry_the_cookie_of_the_store_that_has_one() -> None:
    pools = {pool.name: pool_view(owners(), pool, "") for pool in owners().pools}
    assert pools["rx"].shared_cookie == "manyowners_a_make_cookie(rx_cookie)"
    assert pools["tx"].shared_cookie == "manyowners_c_make_cookie(tx_cookie)"
    assert not (pools["own"].shared_cookie or pools["mine"].shared_cookie)
    given = {pool.name: (pool.struct, pool.given) for pool in suite_view(owners()).pools}
    assert given["rx"] == ("manyowners_a_cookie", ".port = 1")
    assert given["tx"] == ("manyowners_c_cookie", ".owner = 1")


def test_vectors_of_subdevices_are_looked_at_in_the_store_that_has_cookies() -> None:
    (sub,) = suite_view(owners()).subdevices
    parts = dict(zip(("tx", "own", "mine"), sub.parts, strict=True))
    assert ".store" not in parts["tx"]
    assert ".store = &test_store__c.store" in parts["own"]
    assert ".store = &test_store__a.store" in parts["mine"]


def test_a_skeleton_tells_all_stores_apart() -> None:
    view = skeleton_view(pds())
    (queue,) = view.queues
    assert [line.name for line in queue.others] == ["PDS_INTR", "PDS_CTRL"]
    bits = {line.name: line.value for line in view.registers if line.name.endswith("_BIT")}
    assert bits == {"PDS_INTR_BIT": "BIT(31)", "PDS_CTRL_BIT": "BIT(30)"}


def test_fake_places_are_apart() -> None:
    for found in load(str(ROOT / "tests" / "layouts" / "several.ims")).devices:
        memory = fake_memory(found)
        taken: list[tuple[int, int]] = []
        for store in ims_of(found):
            for at, slots in memory.stores[store.name].tables:
                assert store.layout is not None
                taken.append((at, at + slots * store.layout.stride))
        taken.sort()
        assert all(one[1] <= two[0] for one, two in pairwise(taken)), taken
        assert not taken or taken[-1][1] <= memory.size


def test_runtime_table_is_behind_what_has_a_place() -> None:
    found = device(
        "store a: iomem { bar 0; offset runtime; slots 64; mask_bits @0x800;",
        "    slot 12 { address_lo @0; address_hi @4; data @8; } }",
        "vector v = a[0];",
    )
    fake = fake_memory(found).stores["a"]
    assert fake.offset == fake.tables[0][0] >= 0x800 + 8


def test_first_messages_in_the_domain() -> None:
    stores = {store.name: {x.name: x.value for x in store.lines} for store in suites()}
    assert "store.first" not in stores["intr"]
    assert stores["ctrl"]["store.first"] == "256"
    assert stores["ctrl"]["number"] == "1"


def test_minimum_over_all_stores() -> None:
    found = device(
        "requires 40 vectors;",
        "store a: command { slots runtime max 30; }",
        "store b: command { slots runtime max 20; }",
        "vector v = a[0];",
        "pool p = a[1..] + b { share per cpu up to 2; }",
    )
    few, enough = too_few(found)
    assert [sum(p.value for p in machine.params) for machine in (few, enough)] == [39, 40]
    assert [p.name for p in enough.params] == ["a_slots", "b_slots"]
    trials = suite_view(found).trials
    assert [re.findall(r"slots\[\d\] = \d+", trial) for trial in trials] == [
        ["slots[0] = 30", "slots[1] = 9"],
        ["slots[0] = 30", "slots[1] = 10"],
    ]


def test_the_last_index_is_one_of_its_store() -> None:
    found = device(
        "store table: msix;",
        "store a: command { slots 8; }",
        "store b: command { slots 8; }",
        "vector x = table[last];",
        "vector y = b[last];",
        "pool p = table[0..] + a + b[0..] { share per cpu up to 2; }",
    )
    ends = {line.name: line.value for line in suite_view(found).ends}
    assert ends == {"x": "NULL", "y": "&test_store__b.store"}
