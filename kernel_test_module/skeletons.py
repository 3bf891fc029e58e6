"""The drivers that `imsgen skeleton` makes: they compile in the tree, and run on a fake device.

They are built into the kernel of the seeded faults, behind the series of their devices. Their
suite, and that of drivers which leave something behind, get a boot there.  What is seen of each
driver follows from the layout of its device, see `rows()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from imsgen.dsl.kinds import row_of
from imsgen.dsl.model import Device, largest
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.kinds import kind_of, kinds_of
from imsgen.generator.kinds.msix import Msix
from imsgen.generator.names import names_of
from imsgen.generator.series import Planner
from imsgen.generator.views.skeleton import SkeletonView, skeleton_view

from . import boot, build, checks, counts, stages
from .report import Report
from .stages import Place

SUITES = Path(__file__).resolve().parent / "driver_suites"

#: The suites there, for the kernel's command line.
GLOB = "ims_*"

#: Where they go in the kernel tree.
FOLDER = "drivers/irqchip/skeletons"

#: The rows of the suite, beside it.
TABLE = "skeletons.h"

#: Bytes that a BAR has at least.
PAGE = 4096

#: Entries of the MSI-X table for a pool that is in nothing else.
FEW = 7


@dataclass(frozen=True)
class Row:
    """A run of a driver: what its device has, and what is seen of it."""

    driver: str
    msix: int
    bar_size: int
    requested: int
    in_bar: bool

    @property
    def c(self) -> str:
        """The initialiser of its struct skeleton."""
        in_bar = str(self.in_bar).lower()
        numbers = f"{self.msix}, {self.bar_size:#x}, {self.requested}"
        return f'{{ "{self.driver}", {numbers}, {in_bar} }}'


def rows(device: Device) -> list[Row]:
    """The runs of a device's driver."""
    view = skeleton_view(device)
    size = max(PAGE, 1 << (view.used - 1).bit_length())
    in_bar = knows_in_bar(device)
    return [
        Row(view.title, nr, size, requested(device, view), in_bar) for nr in msix_entries(device)
    ]


def msix_entries(device: Device) -> list[int]:
    """How many entries the MSI-X table has, in each run; 0: there is no table.

    All that the layout names are there.  A pool that goes on in another store is run with none
    more, so that all is in the other one, and with one more.
    """
    msix = next((kind for kind in kinds_of(device) if isinstance(kind, Msix)), None)
    if msix is None:
        return [0]
    named, more = msix.prefix, [0]
    for pool in device.pools:
        stores = {part.store for part in pool.ranges}
        for part in (part for part in pool.ranges if part.store == msix.name):
            if part.last is None:
                named = max(named, part.first)
                more = [0, 1] if len(stores) > 1 else [FEW]
            else:
                named = max(named, part.last + 1)
    most = largest(device.store(msix.name))
    return sorted({min(max(named + nr, 1), most) for nr in more})


def requested(device: Device, view: SkeletonView) -> int:
    """How many interrupts are requested where there is one CPU: all who share are on that."""
    total = sum(vector.count or 1 for vector in device.vectors)
    for pool, queues in zip(device.pools, view.queues, strict=True):
        parts = (part for sub in view.subdevices for part in sub.parts)
        users = sum(part.nr for part in parts if part.pool == pool.name)
        if pool.managed:
            total += 1
        elif pool.sharing:
            total += -(-(queues.nr_shared + users) // pool.sharing.limit) + queues.nr_own
        else:
            total += queues.nr_own + users
    return total


def knows_in_bar(device: Device) -> bool:
    """Whether a driver that has brought back the BAR has brought back all.

    Slots behind a window aren't there, and registers by which a device is told of a message have
    the last one.
    """
    return not any(
        row_of(store).places or kind_of(device, store).driven.words for store in device.stores
    )


def table(devices: Mapping[str, Device]) -> str:
    """The header with all runs."""
    lines = "".join(f"\t{row.c},\n" for device in devices.values() for row in rows(device))
    return (
        "/* SPDX-License-Identifier: GPL-2.0 */\n"
        "/* Made of the layouts by kernel_test_module/skeletons.py */\n"
        f"static const struct skeleton skeletons[] = {{\n{lines}}};\n"
    )


def source(place: Place, name: str) -> Path:
    """The skeleton of an example."""
    return place.root / "examples" / name / f"{name}-skeleton.c"


def append(path: Path, text: str) -> None:
    """Add to a file."""
    path.write_text(path.read_text() + text)


def add_glue(work: Path, devices: Mapping[str, Device]) -> None:
    """Add the glue of devices whose series aren't in the tree, built in: QEMU has these."""
    planner = Planner(embedded(DEFAULT))
    for device in devices.values():
        names = names_of(device)
        if (work / names.glue).exists():
            continue
        for path, text in planner.files(device).items():
            (work / path).write_text(text)
        append(work / names.makefile, f"obj-y += {names.object}\n")


def write(place: Place, work: Path) -> list[str]:
    """Put skeletons and suites into a work tree, built in; gives their paths in the tree."""
    devices = counts.devices(place)
    add_glue(work, devices)
    folder = work / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_text(table(devices))
    lines: list[str] = []
    written = [f"{FOLDER}/{TABLE}"]
    skeletons = [source(place, name) for name in devices]
    for path in [*skeletons, *sorted(SUITES.glob("*_kunit.c"))]:
        (folder / path.name).write_text(path.read_text())
        lines.append(f"obj-y += {path.stem}.o\n")
        written.append(f"{FOLDER}/{path.name}")
    (folder / "Makefile").write_text("".join(lines))
    append(work / "drivers/irqchip/Makefile", f"obj-y += {Path(FOLDER).name}/\n")
    return written


def judge(place: Place, built: build.Build, files: list[str], report: Report) -> None:
    """checkpatch on each of them, and the boot in which all of them run."""
    for name in files:
        faults = checks.checkpatch_faults(built.source, "-f", name)
        report.check(f"{built.label} checkpatch {name}", faults)
    built = replace(built, label=f"{built.label}-skeletons")
    texts = [path.read_text() for path in sorted(SUITES.glob("*_kunit.c"))]
    names = [name for text in texts for name in stages.suites_in(text)]
    glob = (f"kunit.filter_glob={GLOB}",)
    stages.run_boot(place, built, boot.UML, built.source, names, report, glob)
