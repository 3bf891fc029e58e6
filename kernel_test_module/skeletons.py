"""The drivers that `imsgen skeleton` makes: they compile in the tree, and run on a fake device.

They are built into the kernel of the seeded faults, behind the series of their devices. Their
suite, and that of drivers which leave something behind, get a boot there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from . import boot, build, checks, stages
from .report import Report
from .stages import Place

SUITES = Path(__file__).resolve().parent / "driver_suites"

#: The suites there, for the kernel's command line.
GLOB = "ims_*"

#: Where they go in the kernel tree.
FOLDER = "drivers/irqchip/skeletons"


def sources(place: Place) -> list[Path]:
    """The skeletons, each in a folder named like its example."""
    return sorted(place.root.glob("examples/*/*-skeleton.c"))


def write(place: Place, work: Path) -> list[str]:
    """Put skeletons and suite into a work tree, built in; gives their paths in the tree."""
    folder = work / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    written: list[str] = []
    for source in [*sources(place), *sorted(SUITES.glob("*_kunit.c"))]:
        (folder / source.name).write_text(source.read_text())
        lines.append(f"obj-y += {source.stem}.o\n")
        written.append(f"{FOLDER}/{source.name}")
    (folder / "Makefile").write_text("".join(lines))
    makefile = work / "drivers/irqchip/Makefile"
    makefile.write_text(makefile.read_text() + f"obj-y += {Path(FOLDER).name}/\n")
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
