"""Drivers of platform devices converted: they write their messages by generated glue.

QEMU has the RISC-V IOMMU, so mainline's driver and the converted one are booted in the same run,
and a suite counts the interrupts of both. Of the other one there is no device, so it is compiled.
Linux before 7 has no driver of that IOMMU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import boot, build, checks, e2e, fetch, host, in_tree, kconfig, qemu, stages, trees
from .report import Report
from .stages import Place

KERNEL = "newest"

WORK = "drivers"
"""A work tree for these: going back to the untouched kernel would change headers that all others
are built with."""


@dataclass(frozen=True)
class Driver:
    """A driver that is converted; a folder of `examples/drivers` has its name."""

    name: str
    arch: str
    configs: tuple[str, ...]
    """Fragments of the kernel's configuration, without what finds faults of locks and the like: the
    stage of the suites has that."""
    target: str
    """Where it is in the kernel"""


IOMMU = Driver("riscv_iommu", "riscv", ("base", "riscv", "lean", "iommu"), "drivers/iommu/riscv/")
XOR = Driver("mv_xor_v2", "arm64", ("base", "arm64", "lean", "xor"), "drivers/dma/")
DRIVERS = (IOMMU, XOR)

SOURCES = Path(__file__).resolve().parent / IOMMU.name
SUITE = "riscv_iommu_e2e"
TESTS = ("faults", "commands")

MACHINE = boot.Machine(
    emulator="qemu-system-riscv64",
    machine="virt,aia=aplic-imsic,iommu-sys=on",
    cpu="rv64",
    devices=("edu,dma_mask=0xffffffff",),
)
"""The IOMMU is a platform device of the machine."""


def configuration(place: Place, tree: fetch.Tree, driver: Driver) -> build.Build:
    """A lean kernel with the driver."""
    fragments = [(kconfig.CONFIGS / f"{name}.config").read_text() for name in driver.configs]
    label, objects = f"{tree.kernel}-{driver.name}", tree.objects(driver.name)
    wanted = kconfig.merge(fragments)
    return build.Build(tree.work, objects, driver.arch, wanted, place.logs, label)


def counted(
    place: Place, built: build.Build, machine: boot.Machine, whose: str, boots: int, report: Report
) -> list[dict[str, Any]]:
    """Build, and boot so often; gives the lines of counts, with WHOSE store it is."""
    build.kernel(built)
    found: list[dict[str, Any]] = []
    for number in range(1, boots + 1):
        one = e2e.Boot(f"{whose}-{number}", machine, SUITE, SUITE, TESTS, arch="riscv")
        found += e2e.run_one(place, built, one, report)
    return [record | {"store": f"riscv-iommu, {whose}"} for record in found]


def booted(place: Place, tree: fetch.Tree, boots: int, report: Report) -> None:
    """Mainline's driver of the IOMMU, then the converted one. Raises `StageError`."""
    program = qemu.program(place.logs, MACHINE.emulator)
    made = in_tree.apply(place, tree, IOMMU.name)
    in_tree.check(place, tree, made, IOMMU.name, report)
    machine = replace(MACHINE, emulator=program)
    built = configuration(place, tree, IOMMU)
    found: list[dict[str, Any]] = []
    for whose, commit in (("mainline", made.base), ("generated", made.driver.head)):
        work = trees.work_at(tree, commit)
        trees.add_driver(work, SOURCES, f"imsgen_{IOMMU.name}")
        found += counted(place, built, machine, whose, boots, report)
    compiled(tree, made, built, IOMMU, report)
    e2e.save(place, found, "iommu")


def compiled(
    tree: fetch.Tree, made: in_tree.Made, built: build.Build, driver: Driver, report: Report
) -> None:
    """The converted driver, without a warning. Raises `StageError`."""
    said = build.compile_targets(built, [driver.target], "W=1", "W=1")
    faults = checks.warnings_about(said, in_tree.changed(tree, made, made.driver.head))
    report.check(f"{tree.kernel} {driver.name} compiles with W=1", faults)


def compiled_only(place: Place, tree: fetch.Tree, driver: Driver, report: Report) -> None:
    """A driver that nothing here can boot. Raises `StageError`."""
    made = in_tree.apply(place, tree, driver.name)
    in_tree.check(place, tree, made, driver.name, report)
    trees.work_at(tree, made.driver.head)
    built = configuration(place, tree, driver)
    build.configure(built)
    compiled(tree, made, built, driver, report)


def run(place: Place, report: Report, boots: int = 1, drivers: Sequence[Driver] = DRIVERS) -> None:
    """All of it on the newest kernel, BOOTS times where there is something to boot."""
    try:
        tree = replace(stages.for_kernel(place, KERNEL), built=WORK)
    except host.Unavailable as error:
        stages.unavailable(fetch.KERNELS[KERNEL], "converted drivers", error, report)
        return
    with fetch.locked(tree.home):
        for driver in drivers:
            name = f"{tree.kernel} the converted driver {driver.name}"
            if not stages.able(driver.arch, report, name):
                continue
            try:
                if driver is IOMMU:
                    booted(place, tree, boots, report)
                else:
                    compiled_only(place, tree, driver, report)
            except host.Unavailable as error:
                stages.unavailable(fetch.KERNELS[KERNEL], name, error, report)
            except host.StageError as error:
                report.check(name, str(error).splitlines())
