"""Real interrupts through generated message stores, in QEMU, below each parent.

The drivers in `e2e_driver/` are copied into the tree beside the series of `stages.IN_QEMU` and
built into a kernel, which is booted once per machine. Each test writes a line of counts into its
log; all of them go to build/results/e2e.json and into a table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import boot, build, checks, core, fetch, host, kconfig, qemu, stages, trees
from .arch import ARCHS
from .report import Report
from .stages import Place, Prepared

SOURCES = Path(__file__).resolve().parent / "e2e_driver"
DIRECTORY = "drivers/misc/imsgen_e2e"
READ_IN_CORES = {
    "kernel/irq": ("irqdesc", "vecpool", "vecset"),
    "kernel": ("smp",),
    "lib": ("maple_tree",),
}
"""Objects with debug information: those of what `imsgen drgn`'s scripts and drgn begin with. All
other types are in the test drivers."""
SYMBOL = "CONFIG_IMSGEN_E2E_KUNIT_TEST"

TORTURE = 20
"""Seconds of torture on each parent; three of them make a minute."""

LONG = 600
"""Seconds of torture in the long mode."""

PORTS = 6
"""Ports of rocker: 4 + 2 * 6 entries in its MSI-X table."""

DEVICES = (
    "edu,dma_mask=0xffffffff",
    "edu,dma_mask=0xffffffff",
    "ivshmem-plain,memdev=bar",
)
OPTIONS = ("-object", "memory-backend-ram,id=bar,size=1M")

ICOUNT = ("-icount", "shift=2,sleep=off")
"""Time passes at once while all CPUs are idle: edu's DMA engine takes 100 ms for each message."""

COUNTS = ("sent", "arrived", "lost", "duplicated", "wrong_cpu", "expected_lost")
TESTS = (
    "fire",
    "shared",
    "with_own_msi",
    "masked",
    "masked_lazily",
    "affinity",
    "hotplug",
    "restore",
    "wrong_requester",
    "right_requester",
)
SIMPLE = ("masked_lazily", "affinity")
"""What the IMSIC of older kernels can't do: docs/e2e.md."""
EXHAUSTION = ("exhausted_shared", "exhausted_dedicated")
"""With 4 CPUs only: more have more vectors than a table has slots."""


@dataclass(frozen=True)
class Boot:
    """One boot: a machine, the suites to run there, and what has to come of it."""

    name: str
    machine: boot.Machine
    glob: str
    suite: str
    tests: tuple[str, ...] = ()
    """The tests that must leave a line of counts"""
    says: str = ""
    """A regular expression: why QEMU or the kernel refused a message"""
    arch: str = "x86_64"
    held: bool = False
    """Nothing is counted: a core is read (`core.py`)"""


def machine(base: boot.Machine, cpus: int, *append: str, limit: float = 300.0) -> boot.Machine:
    """BASE with the devices of the tests and CPUS."""
    return replace(
        base,
        cpus=cpus,
        devices=(*base.devices, *DEVICES),
        options=(*base.options, *OPTIONS),
        ports=PORTS,
        append=(*base.append, *append),
        limit=limit,
    )


X86 = {"bare": boot.BARE, "intel": boot.VTD, "amd": boot.AMD}
PARENTS = {**X86, "its": boot.ITS, "imsic": boot.IMSIC}
ARCH = {"its": "arm64", "imsic": "riscv"}
"""The architectures of the parents that x86 does not have."""
WHY = {"intel": r"invalid IRTE SID|source-id verification", "amd": r"remap"}


def main_boots(parent: str, cpus: int) -> Boot:
    """The boot that runs everything but the DMA engine and the torture."""
    tests = TESTS + (EXHAUSTION if cpus <= 4 and parent in X86 else ())
    if parent == "imsic":
        tests = tuple(test for test in tests if test not in SIMPLE)
    if parent == "amd":
        tests += ("refused",)
    return Boot(
        f"{parent}-{cpus}",
        machine(PARENTS[parent], cpus),
        "ims_e2e",
        "ims_e2e",
        tests,
        WHY.get(parent, ""),
        ARCH.get(parent, "x86_64"),
    )


def two_stores(parent: str) -> Boot:
    """MSI-X and IMS in one pool."""
    return Boot(
        f"{parent}-msix",
        machine(PARENTS[parent], 4),
        "ims_two_stores_e2e",
        "ims_two_stores_e2e",
        ("msix_and_ims",),
        arch=ARCH.get(parent, "x86_64"),
    )


def by_dma(parent: str) -> Boot:
    """The device reads the store by itself, in virtual time."""
    base = machine(PARENTS[parent], 4)
    return Boot(
        f"{parent}-dma",
        replace(base, options=(*base.options, *ICOUNT)),
        "ims_dma_e2e",
        "ims_dma_e2e",
        ("fire", "with_own_msi"),
    )


def torture(parent: str, seconds: int) -> Boot:
    """Everything at random, for SECONDS."""
    base = PARENTS[parent]
    words = (f"imsgen_e2e.torture={seconds}",)
    return Boot(
        f"{parent}-torture",
        machine(base, 4, *words, limit=seconds * 2 + 300.0),
        "ims_torture_e2e",
        "ims_torture_e2e",
        ("torture",),
        arch=ARCH.get(parent, "x86_64"),
    )


def held() -> Boot:
    """The driver of rocker waits, so that its core can be read."""
    glob = "ims_two_stores_e2e"
    return Boot("core", machine(boot.BARE, 4, "imsgen_e2e.hold=1"), glob, glob, held=True)


def refusals() -> tuple[Boot, ...]:
    """Machines that look like a guest's: no message stores there."""
    glob = "ims_e2e.refused_when_emulated"
    caching = replace(boot.VTD, devices=("intel-iommu,intremap=on,caching-mode=on",))
    return (
        Boot("guest", machine(boot.Q35, 4), glob, "ims_e2e", ("refused",)),
        Boot(
            "intel-caching-mode",
            machine(caching, 4, "imsgen_e2e.expect_refusal=1"),
            glob,
            "ims_e2e",
            ("refused",),
        ),
    )


def boots(seconds: int = TORTURE) -> tuple[Boot, ...]:
    """All boots, those that say most first."""
    plain = tuple(main_boots(parent, 4) for parent in PARENTS)
    # 16 emulated harts are too slow for the tests' patience.
    plain += tuple(main_boots(parent, 16) for parent in PARENTS if parent != "imsic")
    dma = tuple(by_dma(parent) for parent in ("bare", "intel"))
    both = tuple(two_stores(parent) for parent in PARENTS)
    # Torture moves interrupts while they fire.
    long = tuple(torture(parent, seconds) for parent in PARENTS if parent != "imsic")
    return (*plain, *both, held(), *dma, *refusals(), *long)


def roomy(one: Boot) -> Boot:
    """The same boot with what KASAN needs: memory and time."""
    more = replace(one.machine, memory=2 * one.machine.memory, limit=3 * one.machine.limit)
    return replace(one, machine=more)


def records(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The lines of counts in a log. Raises `StageError` for one that can't be read."""
    found = []
    for line in lines:
        match = re.search(r"\be2e: (\{.*\})", line)
        if not match:
            continue
        try:
            record = json.loads(match[1])
        except ValueError:
            raise host.StageError(f"not a line of counts: {line}") from None
        if not isinstance(record, dict) or not {"parent", "test", "cpus"} <= record.keys():
            raise host.StageError(f"not a line of counts: {line}")
        found.append(record)
    return found


def faults_of(one: Boot, found: Sequence[dict[str, Any]], log: str) -> list[str]:
    """What is wrong with the counts of a boot: tests without any, losses, a silent refusal."""
    faults = [
        f"no counts of {test}"
        for test in one.tests
        if not any(record["test"] == test for record in found)
    ]
    for record in found:
        if record["test"] == "refused":
            continue
        for name in ("lost", "duplicated", "wrong_cpu"):
            if record[name]:
                faults.append(f"{record['test']}: {record[name]} {name}")
        if not record["arrived"] and record["test"] != "wrong_requester":
            faults.append(f"{record['test']}: nothing arrived")
    if one.says and not re.search(one.says, log):
        faults.append(f"nobody said {one.says!r}")
    return faults


def complaints(log: str) -> list[str]:
    """The lines that name a slot."""
    pattern = re.compile(r"\w+: slot \d+ .*")
    return [match[0] for match in map(pattern.search, log.splitlines()) if match]


WORDS = ("parent", "test", "store", "carrier", "cpus")
"""What tells one line of counts from another, as columns of the table."""


def parent_of(record: dict[str, Any]) -> str:
    """The parent, marked where its refusal had to be lifted."""
    return str(record["parent"]) + ("*" if record.get("lifted") else "")


def rows(found: Iterable[dict[str, Any]], words: Sequence[str] = WORDS) -> list[tuple[str, ...]]:
    """The counts, added up over all lines that have the same WORDS; refusals have none."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for record in found:
        if record["test"] == "refused":
            continue
        cells = record | {"parent": parent_of(record), "test": record["test"].replace("_", " ")}
        key = tuple(str(cells[word]) for word in words)
        old = sums.get(key, [0] * len(COUNTS))
        sums[key] = [count + record[name] for count, name in zip(old, COUNTS)]
    return [(*key, *map(str, counts)) for key, counts in sums.items()]


def table(found: Iterable[dict[str, Any]], words: Sequence[str] = WORDS) -> list[str]:
    """The table as lines of text; it is Markdown, too."""
    headings = (*words, *(name.replace("_", " ") for name in COUNTS))
    body = rows(found, words)
    widths = [max(len(row[n]) for row in [headings, *body]) for n in range(len(headings))]
    left = [name in WORDS[:4] for name in headings]

    def line(cells: Sequence[str]) -> str:
        words = [
            cell.ljust(width) if start else cell.rjust(width)
            for cell, width, start in zip(cells, widths, left)
        ]
        return f"| {' | '.join(words)} |"

    marks = [
        "-" * width if start else "-" * (width - 1) + ":" for width, start in zip(widths, left)
    ]
    return [line(headings), line(marks), *map(line, body)]


def overlay(work: Path) -> None:
    """Put the test drivers into a work tree. They are never part of a series."""
    trees.add_driver(work, SOURCES, Path(DIRECTORY).name)
    for folder, names in READ_IN_CORES.items():
        makefile = work / folder / "Makefile"
        debug = "".join(f"CFLAGS_{name}.o += -g\n" for name in names)
        if debug not in makefile.read_text():
            makefile.write_text(makefile.read_text() + debug)


def source_checks(work: Path, report: Report) -> None:
    """checkpatch and kernel-doc on the test drivers, as on the series."""
    faults: list[str] = []
    for path in sorted(SOURCES.iterdir()):
        name = f"{DIRECTORY}/{path.name}"
        faults += checks.checkpatch_faults(work, "-f", name)
        if path.suffix in (".c", ".h"):
            faults += checks.kernel_doc_faults(work, name)
    report.check("e2e checkpatch and kernel-doc of the test drivers", faults)


def configuration(place: Place, prepared: Prepared, arch: str, kasan: bool) -> build.Build:
    """The kernel of the KUnit stage, with the test drivers in it; KASAN has objects of its own."""
    full = stages.configuration(place, prepared, arch)
    more = kconfig.merge([(kconfig.CONFIGS / "kasan.config").read_text()]) if kasan else {}
    wanted = dict(full.wanted) | {SYMBOL: "y"} | more
    objects = prepared.tree.objects(f"{arch}-kasan") if kasan else full.objects
    label = f"{prepared.tree.kernel}-e2e{'-kasan' if kasan else ''}"
    return replace(full, wanted=wanted, objects=objects, label=label)


def break_write(work: Path) -> None:
    """Swap two fields of the message that the generated code writes into edu's store."""
    path = work / "drivers/irqchip/irq-edu-ims.h"
    text = path.read_text()
    begin = text.index("static inline void edu_ims_write(")
    end = text.index("\n}\n", begin)
    body = text[begin:end]
    names = ("msg->address_lo", "msg->data")
    if any(body.count(name) != 1 for name in names):
        raise host.StageError("edu_ims_write() has not the fields that are to be swapped")
    swapped = body.replace(names[0], "@").replace(names[1], names[0]).replace("@", names[1])
    path.write_text(text[:begin] + swapped + text[end:])


def run_one(place: Place, built: build.Build, one: Boot, report: Report) -> list[dict[str, Any]]:
    """Boot once and check it. Gives the counts."""
    own = replace(built, label=f"{built.label}-{one.name}")
    if one.held:
        core.run(place, own, one.machine, one.glob, report)
        return []
    glob = (f"kunit.filter_glob={one.glob}",)
    stages.run_boot(place, own, one.machine, built.source, [one.suite], report, glob)
    log = (place.results / f"{own.label}.log").read_text()
    found = records(log.splitlines())
    for line in complaints(log)[:5]:
        host.say(f"    {line}")
    report.check(f"{own.label} counts", faults_of(one, found, log))
    return found


LIFTED = "* QEMU's AMD IOMMU is refused as an emulated one; the test lifts that, see docs/e2e.md"


def save(place: Place, found: Sequence[dict[str, Any]], name: str = "e2e") -> None:
    """Write NAME.json and NAME.md with all lines, and print what they add up to."""
    place.results.mkdir(parents=True, exist_ok=True)
    (place.results / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    note = [LIFTED] if any(record.get("lifted") for record in found) else []
    (place.results / f"{name}.md").write_text("\n".join([*table(found), "", *note]).strip() + "\n")
    for line in [*table(sorted(found, key=parent_of), WORDS[:2]), *note]:
        host.say(line)


def renewed(place: Place, chosen: Iterable[Boot]) -> list[Boot]:
    """The same boots on a new QEMU: the IMSIC of 7.2 reads its state, writes it back, and loses a
    message that arrives in between. Raises as `qemu.program()`."""
    program = qemu.program(place.logs, boot.IMSIC.emulator)
    return [replace(one, machine=replace(one.machine, emulator=program)) for one in chosen]


def run_boots(
    place: Place, built: build.Build, chosen: Sequence[Boot], report: Report
) -> list[dict[str, Any]]:
    """All CHOSEN boots of a built kernel. Gives the counts."""
    found: list[dict[str, Any]] = []
    for one in chosen:
        try:
            found += run_one(place, built, one, report)
        except host.StageError as error:
            report.check(f"{built.label}-{one.name}", str(error).splitlines())
    return found


def show_break(place: Place, built: build.Build, report: Report) -> None:
    """Break the generated code, and expect the run to fail and to name a slot."""
    one = Boot("broken", machine(boot.BARE, 4), "ims_e2e.fire_from_memory", "ims_e2e")
    inner = Report()
    run_one(place, built, one, inner)
    log = (place.results / f"{built.label}-broken.log").read_text()
    failed = any("fire_from_memory" in name for name in inner.failures)
    report.check(
        "swapped fields in edu_ims_write() make the run fail", [] if failed else ["it passed"]
    )
    named = complaints(log)
    report.check("and the slot is named", [] if named else ["no slot is named"])


def run(
    place: Place,
    report: Report,
    *,
    kernel: str = stages.REFERENCE,
    only: str = "",
    seconds: int = TORTURE,
    kasan: bool = False,
    broken: bool = False,
) -> None:
    """Prepare, build, boot. ONLY is a regular expression that picks boots by name."""
    chosen = [one for one in boots(seconds) if re.search(only, one.name)]
    if not chosen:
        names = " ".join(one.name for one in boots())
        raise host.StageError(f"no boot matches {only!r}; there are {names}")
    if kasan:
        chosen = [roomy(one) for one in chosen]
    tree = stages.for_kernel(place, kernel)
    with fetch.locked(tree.home):
        prepared = stages.prepare(place, tree, stages.IN_QEMU)
        work = trees.work_at(tree, prepared.applied.head)
        overlay(work)
        if broken:
            break_write(work)
        else:
            source_checks(work, report)
        found: list[dict[str, Any]] = []
        for arch in dict.fromkeys(one.arch for one in chosen):
            if not stages.able(arch, report, f"{kernel} e2e on {ARCHS[arch].label}"):
                continue
            mine = [one for one in chosen if one.arch == arch]
            if arch == "riscv":
                try:
                    mine = renewed(place, mine)
                except host.Unavailable as error:
                    report.skip(f"{kernel} e2e on {ARCHS[arch].label}", str(error))
                    continue
            built = configuration(place, prepared, arch, kasan)
            build.kernel(built)
            if broken:
                show_break(place, built, report)
                return
            found += run_boots(place, built, mine, report)
        save(place, found, "e2e" if kernel == stages.REFERENCE else f"e2e-{kernel}")
