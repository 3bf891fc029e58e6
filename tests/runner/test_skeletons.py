"""The runs of skeletons: what follows from layouts, held against what is known of the examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.kernel_test_module import counts, skeletons
from imsgen.kernel_test_module.skeletons import Row
from imsgen.kernel_test_module.stages import Place

PLACE = Place(Path(__file__).resolve().parents[2])

#: By examples: entries of the MSI-X table in each run, size of BARs, interrupts, whether all is in
#: the BAR.
KNOWN = {
    # Six share by four, and where there are dedicated vectors two have one.
    "crypto1": ([0], 0x2000, 3, True),
    "crypto2": ([0], 0x10000, 5, True),
    "edu": ([0], 0x40000, 5, True),
    # By eight.
    "idxd": ([1, 2], 0x40000, 4, True),
    "mbox": ([0], 0x1000, 5, False),
    # Without room for completions, and with some: one of the device, one of the subdevice.
    "mlx5": ([5, 6], 0x1000, 4, False),
    "ntb": ([1], 0x1000, 3, True),
    "nvme": ([8], 0x1000, 2, True),
    "rocker": ([15], 0x8000, 5, True),
    "timer": ([0], 0x1000, 1, True),
    "vfio": ([1], 0x20000, 3, True),
}


def device(text: str) -> Device:
    """A device with an MSI-X table and slots in a BAR."""
    slots = "slot 16 { address_lo @0; address_hi @4; data @8; control @12 { mask bit 0; } }"
    stores = f"store table: msix; store ims: iomem {{ bar 0; offset 0x100; slots 64; {slots} }}"
    result = load("x.ims", f'device foo "Foo" {{ pci 1b36:0042; {stores} {text} }}'.encode())
    assert result.ok, result.diagnostics
    return result.devices[0]


@pytest.mark.parametrize("name", KNOWN)
def test_the_examples(name: str) -> None:
    msix, size, requested, in_bar = KNOWN[name]
    wanted = [Row(f"{name}-skeleton", nr, size, requested, in_bar) for nr in msix]
    assert skeletons.rows(counts.devices(PLACE)[name]) == wanted


def test_what_no_example_has() -> None:
    """Arrays, pools of subdevices that share and that don't, a table that is larger than wanted."""
    made = device(
        "vector mail[3] = table[2..4]; vector last = ims[0];"
        "pool own = table[10..20] { dedicated; }"
        "pool both = table[30..] + ims[1..] { share least loaded up to 3; }"
        "subdevice a max 4 { vectors own 1..2; vectors both 1..8; }"
        "subdevice b max 4 { vector own; vectors both 1..8; }"
    )
    # 3 + 1 vectors; 2 + 1 of their own; 4 + 4 who share by three.
    assert skeletons.rows(made) == [
        Row("foo-skeleton", 30, 0x1000, 10, True),
        Row("foo-skeleton", 31, 0x1000, 10, True),
    ]


def test_the_table_holds_all_vectors() -> None:
    made = device("vector late = table[5]; pool own = table[1..2] { dedicated; }")
    assert skeletons.msix_entries(made) == [6]


def test_the_table_in_c() -> None:
    """One line a run, and nothing else is said of drivers by hand."""
    text = skeletons.table(counts.devices(PLACE))
    assert "struct skeleton skeletons[] = {\n" in text
    assert '\t{ "idxd-skeleton", 1, 0x40000, 4, true },\n' in text
    for name, (msix, *_) in KNOWN.items():
        assert text.count(f'"{name}-skeleton"') == len(msix)
    suite = (skeletons.SUITES / "skeletons_kunit.c").read_text()
    assert f'#include "{skeletons.TABLE}"' in suite
    assert "-skeleton" not in suite


def test_each_has_a_source() -> None:
    for name in counts.devices(PLACE):
        assert skeletons.source(PLACE, name).is_file(), "make generated"
