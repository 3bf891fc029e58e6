"""Seeded faults in the templates: does the KUnit suite notice each of them?

All faulty devices are built into one UML kernel, side by side under names of their own, and each
suite gets a boot of its own, so that a fault may crash its kernel.  What only a machine with
several CPUs can show is done in the same way under QEMU.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kernel.target import Target, probe
from imsgen.generator.names import names_of
from imsgen.generator.series import Planner
from imsgen.templates import ROOT

from . import boot, build, fetch, host, ktap, skeletons, stages, trees
from .report import Report
from .stages import Place

LIST = Path(__file__).resolve().parent / "mutants.toml"

#: The examples that get the faults which ask for no other device.
FAULTY = ("idxd", "timer")

#: Seconds a suite may take: on UML sound ones need less than one.
LIMIT = {"um": 30.0, "x86_64": 120.0}

#: What the Kconfig entries of the planted devices would select.
SELECTS = """
config IMSGEN_PLANTED
	def_bool y
	select AUXILIARY_BUS
"""


@dataclass(frozen=True)
class Mutant:
    """A fault: in ``template``, ``new`` stands instead of ``old``.

    It is planted in the examples, or where ``devices`` is not empty, in the layouts of these names.
    With ``smp`` it takes several CPUs.
    """

    name: str
    template: str
    old: str
    new: str
    devices: tuple[str, ...] = ()
    smp: bool = False

    def apply(self, root: Path) -> None:
        """Put the fault into the templates below ROOT.  Raises `StageError` if it has no place."""
        path = root / self.template
        text = path.read_text()
        if text.count(self.old) != 1:
            raise host.StageError(
                f"mutant {self.name!r}: its place is {text.count(self.old)} times in "
                f"{self.template}, not once"
            )
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Planted:
    """A device with one fault (none where ``mutant`` is None) and its files in the tree."""

    mutant: Mutant | None
    device: Device
    files: dict[str, str]

    @property
    def suite(self) -> str:
        """The name of its KUnit suite."""
        return names_of(self.device).suite


def mutants(path: Path = LIST) -> tuple[Mutant, ...]:
    """The faults that are listed."""
    with path.open("rb") as stream:
        entries = tomllib.load(stream)["mutant"]
    return tuple(Mutant(**{**e, "devices": tuple(e.get("devices", ()))}) for e in entries)


def valid(paths: Sequence[Path]) -> tuple[Device, ...]:
    """The devices of some files.  Raises `StageError` when one of them is not valid."""
    found: list[Device] = []
    for path in paths:
        result = load(path)
        if not result.devices:
            raise host.StageError(f"{path} is not valid")
        found.extend(result.devices)
    return tuple(found)


def sound(target: Target, device: Device) -> Planted:
    """A device without a fault."""
    return Planted(None, device, Planner(target).series([device]).files)


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
    for device in examples:
        yield sound(target, replace(device, name=f"{device.name}_m00"))
    for number, mutant in enumerate(faults, 1):
        different = False
        devices = [d for d in odd if d.name in mutant.devices] if mutant.devices else examples
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "templates"
            shutil.copytree(ROOT, root)
            mutant.apply(root)
            faulty = Planner(target, str(root))
            for device in devices:
                renamed = replace(device, name=f"{device.name}_m{number:02}")
                files = faulty.series([renamed]).files
                if files != healthy.series([renamed]).files:
                    different = True
                    yield Planted(mutant, renamed, files)
        if not different:
            raise host.StageError(f"mutant {mutant.name!r} changes nothing in any device")


def write(work: Path, planted: Sequence[Planted]) -> None:
    """Put the faulty devices into a work tree, built in without any configuration."""
    lines: list[str] = []
    for one in planted:
        names = names_of(one.device)
        for path, text in one.files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        lines.append(f"obj-y += {Path(names.glue).stem}.o tests/{Path(names.kunit).stem}.o\n")
    makefile = work / "drivers/irqchip/Makefile"
    makefile.write_text(makefile.read_text() + "".join(lines))
    menu = work / "drivers/irqchip/Kconfig"
    menu.write_text(menu.read_text() + SELECTS)


def boot_one(place: Place, built: build.Build, one: Planted) -> boot.Booted:
    """Boot the suite of a planted device."""
    machine = replace(stages.WHERES[built.arch], limit=LIMIT[built.arch])
    log = place.logs / "mutants" / f"{built.arch}-{one.suite}.log"
    glob = (f"kunit.filter_glob={one.suite}",)
    return boot.boot(one.suite, built.image, machine, log, glob)


def verdict(booted: boot.Booted, found: ktap.Ktap, one: Planted) -> tuple[bool, str]:
    """Whether the suite of a planted device failed, and by what. Raises `StageError`."""
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


def layouts(place: Place) -> tuple[Device, ...]:
    """The devices of tests/layouts: what no example has.  Raises `StageError`."""
    return valid(sorted((place.root / "tests" / "layouts").glob("*.ims")))


def stage(place: Place, report: Report, names: Sequence[str] = stages.EXAMPLES) -> tuple[int, int]:
    """Build all faults and the layouts into a kernel for each machine; a boot and a check for each.

    Returns how many faults were caught, and how many there are.  Raises `StageError`.
    """
    tree = stages.for_kernel(place, stages.REFERENCE)
    caught = total = 0
    with fetch.locked(tree.home):
        prepared = stages.prepare(place, tree, names)
        for arch in stages.WHERES:
            faults = [fault for fault in mutants() if fault.smp == (arch != "um")]
            work = trees.work_at(tree, prepared.applied.head)
            built = stages.configuration(place, prepared, arch)
            try:
                target = probe(str(work))
                odd = layouts(place)
                examples = valid([place.example(name) for name in FAULTY])
                planted = [sound(target, device) for device in odd]
                planted += plant(target, faults, examples if arch == "um" else (), odd)
                write(work, planted)
                drivers = skeletons.write(place, work) if arch == "um" else []
                build.kernel(built)
                if drivers:
                    skeletons.judge(place, built, drivers, report)
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
                return f"{one.device.name}: {why}"
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
