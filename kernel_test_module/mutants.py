"""Seeded faults in templates and library: does a KUnit suite notice each of them?

All of them are built into one kernel, side by side under names of their own: devices with a fault
in a template, and copies of a file of the library with a fault, each with the suite of that file.
Each of them gets a boot of its own, so that a fault may crash its kernel; devices without a fault
share one.  This is UML; what only a machine with several CPUs can show is done in the same way
under QEMU.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import tomllib
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kernel.target import Target, TreeFiles, probe
from imsgen.generator.names import IRQCHIP, Names, names_of
from imsgen.generator.series import Planner
from imsgen.templates import ROOT

from . import boot, build, fetch, host, ktap, layouts, skeletons, stages, trees
from .report import Report
from .stages import Place

LIST = Path(__file__).resolve().parent / "mutants.toml"

#: The examples that get the faults which ask for no other device.
FAULTY = ("idxd", "timer")

#: Seconds a suite may take: on UML sound ones need less than one.
LIMIT = {"um": 60.0, "x86_64": 120.0}

#: What a case prints that failed, as KTAP.
FAILED = r"^(\[ *[\d.]+\])? +not ok "

#: What the Kconfig entries of the planted devices would select.
SELECTS = """
config IMSGEN_PLANTED
	def_bool y
	select AUXILIARY_BUS
	select IRQ_VECPOOL_MSI
"""

#: The suites of the library, by the file which they are about.
SUITES = {
    "kernel/irq/vecpool.c": "kernel/irq/tests/irq_vecpool_kunit.c",
    "kernel/irq/vecpool-pci.c": "kernel/irq/tests/irq_vecpool_kunit.c",
    "kernel/irq/vecset.c": "kernel/irq/tests/irq_vecset_kunit.c",
    "drivers/pci/msi/ims.c": "drivers/pci/msi/tests/pci_ims_kunit.c",
    "drivers/pci/msi/ims-vecpool.c": "drivers/pci/msi/tests/pci_ims_vecpool_kunit.c",
    "include/linux/irq_vecpool.h": "kernel/irq/tests/irq_vecpool_kunit.c",
    "include/linux/irq_vecset.h": "kernel/irq/tests/irq_vecset_kunit.c",
    "include/linux/pci_ims.h": "drivers/pci/msi/tests/pci_ims_kunit.c",
}

#: What the copies of files include before anything else, below include/.
PRELUDE = "imsgen"


@dataclass(frozen=True)
class Mutant:
    """A fault: in ``template`` or in ``file`` of the library, ``new`` stands instead of ``old``.

    One in a template is planted in the examples, or where ``devices`` is not empty, in the layouts
    of these names.  One in the library is planted in a copy of the file, which the suite of the
    file runs on, or ``suite``; ``along`` are other files of the library which have to be copied
    too, because they call the faulty one.  One in a header of the library that shows in devices is
    planted in ``devices``.  With ``smp`` it takes several CPUs.
    """

    name: str
    old: str
    new: str
    template: str = ""
    file: str = ""
    devices: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    suite: str = ""
    smp: bool = False

    def apply(self, path: Path) -> str:
        """The text of PATH with the fault.  Raises `StageError` if that has no place for it."""
        text = path.read_text()
        if text.count(self.old) != 1:
            raise host.StageError(
                f"mutant {self.name!r}: its place is {text.count(self.old)} times in "
                f"{self.template or self.file}, not once"
            )
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Planted:
    """A fault (none where ``mutant`` is None), its files in the tree, and what is built of them."""

    mutant: Mutant | None
    where: str
    suite: str
    """The KUnit suite that has to fail"""
    files: dict[str, str]
    objects: dict[str, str]
    """Lines for Makefiles, by their folders"""


class Work(TreeFiles):
    """A tree in which nobody looks whether names are free: those of planted devices are made up."""

    def taken(self, device: str, names: Collection[str]) -> dict[str, str]:
        """None of them."""
        return {}


def mutants(path: Path = LIST) -> tuple[Mutant, ...]:
    """The faults that are listed."""
    with path.open("rb") as stream:
        entries = tomllib.load(stream)["mutant"]
    lists = ("devices", "along")
    return tuple(
        Mutant(**{**entry, **{name: tuple(entry.get(name, ())) for name in lists}})
        for entry in entries
    )


# --- devices ------------------------------------------------------------------------------------


def valid(paths: Sequence[Path]) -> tuple[Device, ...]:
    """The devices of some files.  Raises `StageError` when one of them is not valid."""
    found: list[Device] = []
    for path in paths:
        result = load(path)
        if not result.devices:
            raise host.StageError(f"{path} is not valid")
        found.extend(result.devices)
    return tuple(found)


def device(mutant: Mutant | None, of: Device, files: dict[str, str]) -> Planted:
    """A device with FILES, built in without any configuration."""
    names = names_of(of)
    return Planted(mutant, of.name, names.suite, files, {names.dir: objects(names)})


def objects(names: Names) -> str:
    """The line of a Makefile for a device and its suite, whatever the configuration."""
    return f"obj-y += {Path(names.glue).stem}.o tests/{Path(names.kunit).stem}.o\n"


def sound(planner: Planner, of: Device) -> Planted:
    """A device without a fault."""
    return device(None, of, planner.series([of]).files)


def together(planner: Planner, devices: Sequence[Device]) -> Planted:
    """Devices without a fault in one series, new folders with what that has in them.

    What they need of the library, and no example does, is among the files.
    """
    series = planner.series(devices)
    files, lines = dict(series.files), dict[str, str]()
    changed = {diff.path for commit in series.commits[: series.core] for diff in commit.diffs}
    for names in map(names_of, devices):
        for folder in (names.dir, IRQCHIP):
            changed |= {f"{folder}/Kconfig", f"{folder}/Makefile"}
    for path in changed:
        files[path] = "".join(f"{line}\n" for line in series.after.lines(path) or ())
    for names in map(names_of, devices):
        lines[names.dir] = lines.get(names.dir, "") + objects(names)
    return Planted(None, "", layouts.GLOB, files, lines)


def plant(
    target: Target,
    faults: Sequence[Mutant],
    examples: Sequence[Device],
    odd: Sequence[Device] = (),
) -> Iterator[Planted]:
    """Each fault in each device it makes a difference to, after the EXAMPLES without a fault.

    ODD are the devices that faults can name.  Raises `StageError` for a fault that makes no
    difference at all.
    """
    healthy = Planner(target)
    for example in examples:
        yield sound(healthy, replace(example, name=f"{example.name}_m00"))
    for number, mutant in enumerate(faults, 1):
        if mutant.file:
            continue
        different = False
        devices = [d for d in odd if d.name in mutant.devices] if mutant.devices else examples
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "templates"
            shutil.copytree(ROOT, root)
            template = root / mutant.template
            template.write_text(mutant.apply(template))
            faulty = Planner(target, str(root))
            for one in devices:
                renamed = replace(one, name=f"{one.name}_m{number:02}")
                files = faulty.series([renamed]).files
                if files != healthy.series([renamed]).files:
                    different = True
                    yield device(mutant, renamed, files)
        if not different:
            raise host.StageError(f"mutant {mutant.name!r} changes nothing in any device")


# --- library ------------------------------------------------------------------------------------


def functions(text: str) -> tuple[str, ...]:
    """The names of the functions in a C file that other files can call."""
    return tuple(
        re.findall(r"(?m)^(?!static\b|#|typedef\b)[a-z_][\w ]*[ *]\**(\w+)\([^;]*?\)\n\{", text)
    )


def copies(
    work: Path, mutant: Mutant, tag: str, suite: str
) -> tuple[dict[str, str], dict[str, str]]:
    """A copy of the faulty file, of those along and of SUITE, if that is one: files and objects.

    Whatever includes the prelude calls the copies.  What they call elsewhere in the library is the
    library's.  Raises `StageError` when the fault has no place.
    """
    texts = {path: (work / path).read_text() for path in mutant.along}
    files: dict[str, str] = {}
    prelude = ""
    if mutant.file.endswith(".h"):
        # Its guard keeps the sound one out.
        name = f"{PRELUDE}/{tag}-{Path(mutant.file).name}"
        files[f"include/{name}"] = mutant.apply(work / mutant.file)
        prelude = f"#include <{name}>\n"
    else:
        texts[mutant.file] = mutant.apply(work / mutant.file)
    renames = [f"#define {n}\t{n}_{tag}\n" for one in texts.values() for n in functions(one)]
    files[f"include/{PRELUDE}/{tag}.h"] = "".join(renames) + prelude
    if suite:
        texts[suite] = (work / suite).read_text()
    objects: dict[str, str] = {}
    for path, one in texts.items():
        folder, stem = renamed_path(path, tag)
        files[f"{folder}/{stem}.c"] = renamed_text(one, tag)
        line = f"{flags(f'{stem}.o', tag)}obj-y += {stem}.o\n"
        objects[folder] = objects.get(folder, "") + line
    return files, objects


def flags(name: str, tag: str) -> str:
    """The line of a Makefile that has an object include the prelude."""
    return f"CFLAGS_{name} := -include {PRELUDE}/{tag}.h\n"


def library(work: Path, mutant: Mutant, tag: str) -> Planted:
    """A fault that the library's own suite has to see."""
    suite = mutant.suite or SUITES[mutant.file]
    files, objects = copies(work, mutant, tag, suite)
    (name,) = stages.suites_in((work / suite).read_text())
    return Planted(mutant, mutant.file, f"{name}_{tag}", files, objects)


def below(work: Path, mutant: Mutant, tag: str, one: Planted) -> Planted:
    """A device on the faulty library, whose suite has to see that."""
    files, objects = copies(work, mutant, tag, "")
    for folder, line in one.objects.items():
        names = [word for word in line.split() if word.endswith(".o")]
        own = "".join(flags(name, tag) for name in names) + line
        objects[folder] = objects.get(folder, "") + own
    return replace(one, mutant=mutant, files=one.files | files, objects=objects)


def in_library(
    work: Path, target: Target, faults: Sequence[Mutant], odd: Sequence[Device]
) -> Iterator[Planted]:
    """Each fault in the library, with its suite or below devices of ODD: a copy for each."""
    planner = Planner(target)
    for number, mutant in enumerate(faults, 1):
        if mutant.file and not mutant.devices:
            yield library(work, mutant, f"m{number:02}")
        elif mutant.file:
            for one in odd:
                if one.name in mutant.devices:
                    tag = f"m{number:02}_{one.name}"
                    renamed = replace(one, name=f"{one.name}_m{number:02}")
                    yield below(work, mutant, tag, sound(planner, renamed))


def renamed_path(path: str, tag: str) -> tuple[str, str]:
    """The folder of a copy's Makefile, and where the copy is from there, without its ending.

    Suites are built by the Makefile of the folder above.
    """
    folder, _, name = path.rpartition("/")
    stem = f"{name.removesuffix('.c')}_{tag}"
    if folder.endswith("/tests"):
        return folder.removesuffix("/tests"), f"tests/{stem}"
    return folder, stem


def renamed_text(text: str, tag: str) -> str:
    """A copy's text: suite and file in debugfs have other names, tracepoints are the library's."""
    text = text.replace("#define CREATE_TRACE_POINTS\n", "")
    text = text.replace('"irq_vecpools"', f'"irq_vecpools_{tag}"')
    for name in stages.suites_in(text):
        text = re.sub(rf'(\.name\s*=\s*)"{re.escape(name)}"', rf'\1"{name}_{tag}"', text)
    return text


def write(work: Path, planted: Sequence[Planted]) -> None:
    """Put the faults into a work tree."""
    lines: dict[str, list[str]] = {}
    for one in planted:
        for path, text in one.files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        for folder, line in one.objects.items():
            lines.setdefault(folder, []).append(line)
    for folder, more in lines.items():
        makefile = work / folder / "Makefile"
        makefile.write_text(makefile.read_text() + "".join(more))
    menu = work / "drivers/irqchip/Kconfig"
    menu.write_text(menu.read_text() + SELECTS)


# --- boots --------------------------------------------------------------------------------------


def boot_one(place: Place, built: build.Build, one: Planted) -> boot.Booted:
    """Boot the suite of a fault, up to the first case that fails: what follows can take long."""
    machine = replace(stages.WHERES[built.arch], limit=LIMIT[built.arch])
    log = place.logs / "mutants" / f"{built.arch}-{one.suite}.log"
    glob = (f"kunit.filter_glob={one.suite}",)
    return boot.boot(one.suite, built.image, machine, log, glob, FAILED)


def verdict(booted: boot.Booted, found: ktap.Ktap, one: Planted) -> tuple[bool, str]:
    """Whether a suite failed, and by what. Raises `StageError` when it did not run."""
    failures = [name for suite in found.suites for name in suite.failures]
    if failures:
        return True, failures[0].rpartition(".")[2]
    if booted.fault:
        return True, booted.fault
    if found.splats:
        return True, found.splats[0]
    if not any(suite.good for suite in found.suites):
        raise host.StageError(f"{one.suite} did not run\n{host.tail(booted.log)}")
    return False, ""


def stage(
    place: Place,
    report: Report,
    names: Sequence[str] = stages.EXAMPLES,
    *,
    seeded: bool = True,
) -> tuple[int, int]:
    """Build the layouts and all faults into a kernel for each machine, and boot what is there.

    Returns how many faults were caught, and how many there are; without SEEDED there are none, and
    UML is the only machine.  Raises `StageError`.
    """
    tree = stages.for_kernel(place, stages.REFERENCE)
    caught = total = 0
    with fetch.locked(tree.home):
        prepared = stages.prepare(place, tree, names)
        for arch in LIMIT if seeded else ("um",):
            uml = arch == "um"
            faults = [one for one in mutants() if seeded and one.smp != uml]
            work = trees.work_at(tree, prepared.applied.head)
            built = stages.configuration(place, prepared, arch)
            try:
                target = replace(probe(str(work)), provider=Work(str(work)))
                planner = Planner(target)
                odd = valid(layouts.odd(place))
                named = layouts.devices(place) if uml else layouts.named(odd)
                several = together(planner, named)
                examples = [place.example(name) for name in FAULTY] if uml and seeded else []
                planted = [*plant(target, faults, valid(examples), odd)]
                planted += in_library(work, target, faults, odd)
                write(work, [several, *planted])
                drivers = skeletons.write(place, work) if uml and seeded else []
                build.kernel(built)
                if drivers:
                    skeletons.judge(place, built, drivers, report)
                layouts.judge(place, built, tuple(several.files), named, report)
                seen, of = judge(place, built, faults, planted, report)
                caught, total = caught + seen, total + of
            finally:
                trees.work_at(tree, prepared.applied.head)
    return caught, total


def judge(
    place: Place,
    built: build.Build,
    faults: Sequence[Mutant],
    planted: Sequence[Planted],
    report: Report,
) -> tuple[int, int]:
    """Boot every planted suite and tell which faults were seen: how many, and of how many.

    As many boots at a time as there are CPUs; a fault that one device showed is not booted again.
    """
    parsing = threading.Lock()

    def first_seen(group: Sequence[Planted]) -> str:
        """How the first device shows it; empty when all of them pass."""
        for one in group:
            booted = boot_one(place, built, one)
            with parsing:
                found = ktap.parse(booted.log, built.source)
            caught, why = verdict(booted, found, one)
            if caught:
                return f"{one.where}: {why}"
        return ""

    groups = [[one] for one in planted if one.mutant is None]
    groups += [[one for one in planted if one.mutant == fault] for fault in faults]
    caught = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for group, why in zip(groups, pool.map(first_seen, groups)):
            fault = group[0].mutant
            if fault is None:
                report.check(f"{built.label} {group[0].suite} passes", [why] if why else [])
                continue
            caught += bool(why)
            missed = [] if why else ["no KUnit case failed"]
            report.check(f"caught: {fault.name} ({why or 'by nothing'})", missed)
    return caught, len(faults)


def run(place: Place) -> int:
    """The faults and layouts alone.  Ends with "N/N caught"; returns the exit code."""
    report = Report()
    caught, total = stage(place, report)
    for failure in report.failures:
        host.say(f"FAIL {failure}")
    host.say(f"{caught}/{total} caught")
    return 0 if caught == total and not report.failures else 1
