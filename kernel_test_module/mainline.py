"""Mainline's own message stores beside generated ones: the same messages, the same registers.

A driver's function that writes a message is taken out of the tree, by its name, and that of the
generated glue out of the series.  Both are compiled into one KUnit suite, whose registers are
memory; User Mode Linux runs it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from imsgen.dsl import load
from imsgen.dsl.model import Device, PassedStore, RegistersStore
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.names import names_of
from imsgen.generator.series import Planner

from . import boot, build, fetch, host, stages, trees
from .report import Report
from .stages import Place

FOLDER = Path(__file__).resolve().parent / "mainline_stores"

#: The kernel whose drivers they are.
KERNEL = "newest"


@dataclass(frozen=True)
class Store:
    """A driver of mainline with a message store of its own."""

    layout: str
    """The layout of its device, an example or in tests/devices."""
    source: str
    function: str
    """What writes a message, and the file that it is in."""
    device: str
    """What the function finds behind the device, with its registers; or the header that has it, and
    how a driver passes a message on."""
    macros: tuple[tuple[str, str], ...] = ()
    """Files of the tree, and what the names of the macros that are needed of them begin with."""
    more: tuple[tuple[str, str], ...] = ()
    """Files of the tree, and how other definitions that are needed of them begin."""


STORES = (
    Store(
        "riscv_iommu",
        "drivers/iommu/riscv/iommu-platform.c",
        "riscv_iommu_write_msi_msg",
        "struct riscv_iommu_device { void *reg; }",
        macros=(
            ("drivers/iommu/riscv/iommu-bits.h", "RISCV_IOMMU_(?:REG_)?MSI_CFG_TBL"),
            ("drivers/iommu/riscv/iommu.h", "riscv_iommu_write[lq]"),
        ),
    ),
    Store(
        "arm_smmu_v3",
        "drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c",
        "arm_smmu_write_msi_msg",
        "struct arm_smmu_device { void *base; }",
        macros=(
            (
                "drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.h",
                r"ARM_SMMU_\w+_IRQ_CFG|MSI_CFG|ARM_SMMU_MEMATTR",
            ),
        ),
        more=(
            ("drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c", "enum arm_smmu_msi_index {"),
            (
                "drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c",
                "static phys_addr_t arm_smmu_msi_cfg[",
            ),
        ),
    ),
    Store(
        "smmu_pmcg",
        "drivers/perf/arm_smmuv3_pmu.c",
        "smmu_pmu_write_msi_msg",
        "struct smmu_pmu { void *reg_base; }",
        macros=(("drivers/perf/arm_smmuv3_pmu.c", "SMMU_PMCG_IRQ_CFG|MSI_CFG"),),
    ),
    Store(
        "mv_xor_v2",
        "drivers/dma/mv_xor_v2.c",
        "mv_xor_v2_set_msi_msg",
        "struct mv_xor_v2_device { void *dma_base; }",
        macros=(("drivers/dma/mv_xor_v2.c", "MV_XOR_V2_DMA_IMSG"),),
    ),
    Store(
        "ufs_qcom",
        "drivers/ufs/host/ufs-qcom.c",
        "ufs_qcom_write_msi_msg",
        "struct ufs_hba { void *mmio_base; }",
        macros=(("include/ufs/ufshcd.h", "ufshcd_writel"),),
        more=(
            ("include/ufs/ufshci.h", "enum {\n\tREG_CONTROLLER_CAPABILITIES"),
            ("drivers/ufs/core/ufs-mcq.c", "void ufshcd_mcq_config_esi("),
        ),
    ),
    Store(
        "mpxy",
        "drivers/mailbox/riscv-sbi-mpxy-mbox.c",
        "mpxy_mbox_msi_write",
        "mpxy.h",
        more=(("drivers/mailbox/riscv-sbi-mpxy-mbox.c", "struct sbi_mpxy_msi_info {"),),
    ),
    Store(
        "endpoint",
        "drivers/pci/endpoint/pci-ep-msi.c",
        "pci_epf_write_msi_msg",
        "endpoint.h",
    ),
)


def definition(text: str, start: str) -> str:
    """What begins with a line that holds ``start``, up to the brace in the first column.

    Raises `StageError` if it isn't there.
    """
    found = re.search(rf"(?ms)^(?=[a-z])[^\n]*{re.escape(start)}.*?^\}}[^\n]*;?$", text)
    if found is None:
        raise host.StageError(f"there is no definition of {start!r}")
    return found[0] + "\n"


def function(text: str, name: str) -> str:
    """The function of that name.  Raises `StageError` if it isn't there."""
    found = re.search(rf"(?ms)^[a-z][^\n;]*\b{name}\([^;{{]*\)\n\{{.*?^\}}$", text)
    if found is None:
        raise host.StageError(f"there is no function {name}")
    return found[0] + "\n"


def macros(text: str, names: str) -> str:
    """The macros whose names begin with what the expression ``names`` matches."""
    return "".join(re.findall(rf"(?m)^#define (?:{names})\w*\b(?:.*\\\n)*.*\n", text))


def layout(place: Place, store: Store) -> Path:
    """The layout of its device."""
    real = place.root / "tests" / "devices" / f"{store.layout}.ims"
    return real if real.exists() else place.example(store.layout)


def suite(store: Store) -> str:
    """The name of its suite."""
    return f"mainline_{store.layout}"


def text(place: Place, tree: Path, store: Store) -> str:
    """The text of the suite.  Raises `StageError` where mainline has something else."""
    (device,) = load(layout(place, store)).devices
    files = Planner(embedded(DEFAULT)).series([_anywhere(device)]).files
    names = names_of(_anywhere(device))
    glue = files[names.glue]
    own = device.stores[0]
    assert isinstance(own, RegistersStore | PassedStore)
    fn = f"{device.name}_{own.name}"
    given = re.search(
        rf"{fn}_init\(irqs, [\w>-]*?(?:regs( \+ \w+)?|{own.name}_pass), ([\w>-]+)\)", glue
    )
    if given is None:
        raise host.StageError(f"{names.glue} sets up nothing")
    head = ["// SPDX-License-Identifier: GPL-2.0", '#include "recording.h"', ""]
    parts = ["\n".join(head), *theirs(tree, store)]
    irqs, nr = f"struct {device.name}_irqs", own.slots.maximum if own.slots.runtime else given[2]
    index, bits = 0, "~0ULL"
    if isinstance(own, RegistersStore):
        slots = files[names.headers[0].path]
        parts.append(re.sub(r"(?m)^#include .*\n", "", slots))
        parts.append(f"{irqs} {{ struct {{ void *base; }} {own.name}; }};\n")
        parts.append(f"static {irqs} our_irqs = {{ {{ registers{given[1] or ''} }} }};\n")
        if f"{fn}_tables[]" in glue:
            parts.append(definition(glue, "static const struct { u32 offset;"))
        parts.append(f"static DEFINE_XARRAY({device.name}_devices);\n")
        parts.append(function(glue, f"{fn}_at"))
        index, bits = int(own.layout.data is None), f"{own.layout.address_mask:#x}ULL"
    else:
        parts.append(f"{irqs} {{ struct {{ typeof(pass) *pass; }} {own.name}; }};\n")
        parts.append(f"static {irqs} our_irqs = {{ {{ pass }} }};\n")
        parts.append(f"static DEFINE_XARRAY({device.name}_devices);\n")
    parts.append(function(glue, f"{fn}_write_msi_msg"))
    parts.append(
        f'#define NAME "{suite(store)}"\n'
        f"#define THEIRS {store.function}\n#define OURS {fn}_write_msi_msg\n"
        f"#define OUR_DEVICES {device.name}_devices\n"
        f"#define NR {nr}\n#define INDEX_DATA {index}\n#define BITS {bits}\n"
    )
    parts.append('#include "compare.h"\n')
    return "\n".join(parts)


def theirs(tree: Path, store: Store) -> list[str]:
    """What is mainline's of the program, with the device that it works on."""
    header = store.device.endswith(".h")
    parts = [] if header else [f"{store.device};\n"]
    parts += [macros((tree / path).read_text(), wanted) for path, wanted in store.macros]
    parts += [definition((tree / path).read_text(), start) for path, start in store.more]
    parts += [f'#include "{store.device}"\n'] if header else []
    parts.append(function((tree / store.source).read_text(), store.function))
    if not header:
        tag = store.device.split()[1]
        parts.append(f"static struct {tag} their_device = {{ registers }};\n")
    return parts


def _anywhere(device: Device) -> Device:
    """The device in a folder that the embedded profile has."""
    return replace(device, path=None)


def write(place: Place, tree: Path) -> Path:
    """A driver with all suites, below build/. Gives its folder. Raises `StageError`."""
    folder = place.root / "build" / "mainline"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FOLDER, folder)
    for store in STORES:
        (folder / f"{store.layout}_kunit.c").write_text(text(place, tree, store))
    objects = " ".join(f"{store.layout}_kunit.o" for store in STORES)
    made = f"obj-$(CONFIG_IMSGEN_MAINLINE) += {objects}\n"
    # What is taken out of a driver has its prototypes elsewhere
    (folder / "Makefile").write_text(f"ccflags-y := -Wno-missing-prototypes\n{made}")
    return folder


def run(place: Place, report: Report) -> None:
    """Compare all of them.  Raises `StageError`."""
    try:
        tree = stages.for_kernel(place, KERNEL)
    except host.Unavailable as error:
        stages.unavailable(fetch.KERNELS[KERNEL], "mainline's own stores", error, report)
        return
    with fetch.locked(tree.home):
        prepared = stages.prepare(place, tree)
        work = trees.work_at(tree, prepared.applied.head)
        trees.add_driver(work, write(place, work), "imsgen_mainline")
        built = stages.configuration(place, prepared, "um")
        build.kernel(built)
        own = replace(built, label=f"{built.label}-mainline")
        glob = ("kunit.filter_glob=mainline_*",)
        found = stages.run_boot(place, own, boot.UML, work, list(map(suite, STORES)), report, glob)
        for said in orders(found.lines):
            host.say(f"  {said}")


def orders(lines: Iterable[str]) -> Iterator[str]:
    """What the suites say of their accesses, and how many messages there were, with their names."""
    name = ""
    for line in lines:
        if found := re.search(r"# Subtest: mainline_(\w+)", line):
            name = found[1]
        elif found := re.search(r"# same_registers: (order .*|messages \d+)$", line):
            yield f"{name}: {found[1]}"
