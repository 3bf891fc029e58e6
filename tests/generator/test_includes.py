"""Generated C includes what it uses, and nothing else; what is the core's own stays there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imsgen.dsl.model import Device
from imsgen.generator.kernel.target import Target
from imsgen.generator.names import names_of
from imsgen.generator.series import Planner

from .conftest import every_device

ROOT = Path(__file__).resolve().parents[2]

#: What a header is included for.
USES = {
    "align.h": r"\bIS_ALIGNED\(",
    "bitfield.h": r"\bFIELD_",
    "bitmap.h": r"\bbitmap_|\bBITS_TO_LONGS\(|\bfor_each_set_bit\(",
    "cpuhotplug.h": r"\bcpuhp_",
    "err.h": r"\bIS_ERR\(|\bPTR_ERR|\bERR_PTR\(",
    "iommu.h": r"\bIOMMU_PASID_INVALID\b",
    "irqdesc.h": r"\birq_data_to_desc\(",
    "irqdomain.h": r"\birq_domain\b",
    "jiffies.h": r"\bjiffies\b",
    "lockdep.h": r"\blockdep_",
    "math.h": r"\bDIV_ROUND_UP\(",
    "minmax.h": r"\bmin\(|\bmax\(|\bclamp\(",
    "nospec.h": r"\barray_index_nospec\(",
    "spinlock.h": r"\bspin_|\braw_spin_",
}


@pytest.mark.slow
@pytest.mark.parametrize("device", every_device(), ids=lambda device: str(device.name))
def test_includes_are_used(device: Device, profile: Target) -> None:
    text = Planner(profile).series([device]).files[names_of(device).glue]
    included = set(re.findall(r"#include <linux/([\w./-]+)>", text))
    code = re.sub(r"#include .*|/\*.*?\*/", "", text)
    code = re.sub(r"/\*.*?\*/", "", code, flags=re.S)
    for header, pattern in USES.items():
        assert (header in included) == bool(re.search(pattern, code)), header


def test_descriptors_are_the_cores_own() -> None:
    """Nothing outside of the interrupt core looks into a descriptor, or takes its lock."""
    library = ROOT / "templates" / "kernel"
    paths = [*library.rglob("*.[ch]"), *ROOT.glob("generated/*/*/src/**/*.[ch]")]
    outside = [path for path in paths if (library / "kernel" / "irq") not in path.parents]
    assert len(outside) > 40
    inside = r"\birq_(data_)?to_desc\b|\birq_get_desc|\bstruct irq_desc\b|<linux/irqdesc\.h>"
    assert [path for path in outside if re.search(inside, path.read_text())] == []
