"""A driver converted: that of the RISC-V IOMMU writes its messages by generated glue.

QEMU has the device, so mainline's driver and the converted one are booted in the same run, and a
suite counts the interrupts of both. Linux before 7 has no such driver.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from . import boot, build, checks, e2e, fetch, host, in_tree, kconfig, qemu, stages, trees
from .report import Report
from .stages import Place

NAME = "riscv_iommu"
SOURCES = Path(__file__).resolve().parent / NAME
SUITE = "riscv_iommu_e2e"
DIRECTORY = f"imsgen_{NAME}"
KERNEL = "newest"
TESTS = ("faults", "commands")
CONFIGS = ("base", "riscv", "small", "iommu")
"""Without what finds faults of locks and the like: the KUnit stage has that."""

MACHINE = boot.Machine(
    emulator="qemu-system-riscv64",
    machine="virt,aia=aplic-imsic,iommu-sys=on",
    cpu="rv64",
    devices=("edu,dma_mask=0xffffffff",),
)
"""The IOMMU is a platform device of the machine."""


def configuration(place: Place, tree: fetch.Tree) -> build.Build:
    """A small kernel with the driver."""
    fragments = [(kconfig.CONFIGS / f"{name}.config").read_text() for name in CONFIGS]
    label = f"{tree.kernel}-iommu"
    wanted = kconfig.merge(fragments)
    return build.Build(tree.work, tree.objects("iommu"), "riscv", wanted, place.logs, label)


def counted(
    place: Place, built: build.Build, machine: boot.Machine, driver: str, boots: int, report: Report
) -> list[dict[str, Any]]:
    """Build, and boot so often; gives the lines of counts, with DRIVER as their store."""
    build.kernel(built)
    found: list[dict[str, Any]] = []
    for number in range(1, boots + 1):
        one = e2e.Boot(f"{driver}-{number}", machine, SUITE, SUITE, TESTS, arch="riscv")
        found += e2e.run_one(place, built, one, report)
    return [record | {"store": f"riscv-iommu, {driver}"} for record in found]


def one_kernel(place: Place, tree: fetch.Tree, program: str, boots: int, report: Report) -> None:
    """Mainline's driver, then the converted one. Raises `StageError`."""
    made = in_tree.apply(place, tree, NAME)
    in_tree.check(place, tree, made, NAME, report)
    machine = replace(MACHINE, emulator=program)
    built = configuration(place, tree)
    found: list[dict[str, Any]] = []
    for driver, commit in (("mainline", made.base), ("generated", made.driver.head)):
        work = trees.work_at(tree, commit)
        trees.add_driver(work, SOURCES, DIRECTORY)
        found += counted(place, built, machine, driver, boots, report)
    said = build.compile_targets(built, ["drivers/iommu/riscv/"], "W=1", "W=1")
    files = in_tree.changed(tree, made, made.driver.head)
    report.check(f"{tree.kernel} {NAME} compiles with W=1", checks.warnings_about(said, files))
    e2e.save(place, found, "iommu")


def run(place: Place, report: Report, boots: int = 1) -> None:
    """All of it on the newest kernel, BOOTS times with each driver."""
    try:
        program = qemu.program(place.logs, MACHINE.emulator)
        tree = stages.for_kernel(place, KERNEL)
    except host.Unavailable as error:
        stages.unavailable(
            fetch.KERNELS[KERNEL], "the converted RISC-V IOMMU driver", error, report
        )
        return
    if not stages.able("riscv", report, "the converted RISC-V IOMMU driver"):
        return
    try:
        with fetch.locked(tree.home):
            one_kernel(place, tree, program, boots, report)
    except host.StageError as error:
        report.check("the converted RISC-V IOMMU driver", str(error).splitlines())
