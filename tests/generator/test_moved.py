"""A driver's code stays as it is when the messages move from one kind of store to another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.generator.kernel.target import Target
from imsgen.generator.names import names_of
from imsgen.generator.series import Planner

REST = """
    store table: msix;
    vector misc = table[0] "errors";
    pool wq = table[1..] + ims "queues" { share per cpu up to 8; dedicated; reserve 2; }
    subdevice sf max 16 { vectors wq 1..4; }
}
"""
STORES = {
    "iomem": """store ims: iomem { bar 0; offset 0x1000; slots runtime max 64;
        slot 16 { address_lo @0; data @4; address_hi @8;
                  control @12 { mask bit 0; queue bits 31:1 cookie optional; } } }""",
    "memory": """store ims: memory { slots runtime max 64;
        slot 16 { address_lo @0; data @4; address_hi @8;
                  control @12 { mask bit 0; queue bits 31:1 cookie optional; } } }""",
    "command": "store ims: command { slots runtime max 64; cookie queue optional; }",
}


def header(kind: str, folder: Path, profile: Target) -> str:
    """The header that the driver of the device includes."""
    path = folder / f"{kind}.ims"
    start = 'device moved "Moved" {\n    pci 1b36:0300;\n    requires remapping;\n    '
    path.write_text(start + STORES[kind] + REST)
    (device,) = load(path).devices
    return Planner(profile).series([device]).files[names_of(device).header]


def interface(text: str) -> list[str]:
    """What queues, subdevices and handlers call: functions, inlines with their bodies, structs."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"struct moved_irqs(_params)? \{.*?\n\};\n", "", text, flags=re.S)
    text = re.sub(r"^#.*\n|^struct \w+;\n", "", text, flags=re.M)
    return [part.rstrip(";") for part in re.split(r"\n\n+|;\n(?=\S)", text.strip()) if part]


@pytest.mark.parametrize("kind", ["memory", "command"])
def test_a_driver_can_not_tell(kind: str, tmp_path: Path, profile: Target) -> None:
    """Only a command can fail, so that there alone one more function asks for that."""
    before = interface(header("iomem", tmp_path, profile))
    after = interface(header(kind, tmp_path, profile))
    assert any("moved_wq_get_dedicated" in part for part in before)
    assert any("moved_sf_irq" in part for part in before)
    more = [part for part in after if part not in before]
    assert [part for part in before if part not in after] == []
    assert all("_error(" in part for part in more)
    assert bool(more) is (kind == "command")
