"""`python -m imsgen.kernel_test_module.bench`: the hot paths against what drivers do today.

The kernel prints, for each turn of each benchmark, nanoseconds and operations of both sides (see
benchmarks/ims_bench.c). Here the medians are taken, and written to build/bench.json, to a table in
docs/bench.md and to docs/bench.svg.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shutil
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import boot, build, fetch, host, kconfig, ktap, stages, trees
from .arch import ARCHS
from .fetch import Tree
from .stages import Place

SOURCES = Path(__file__).resolve().parent / "benchmarks"
DEVICES = SOURCES / "bench.ims"
INTO = "drivers/irqchip/tests"
SUITE = "ims_bench"

LEAST_ROUNDS = 30
"""Fewer rounds than that are no measurement."""

MACHINES = {
    "um": replace(boot.UML, limit=900.0),
    # As many CPUs as measure against each other: more than the host has would measure the host.
    "x86_64": replace(boot.Q35, cpus=2, memory=1024, limit=3600.0),
}

FRAGMENTS = {"um": ("base", "uml"), "x86_64": ("base", "x86_64")}
"""No checkers: they would be measured too."""

PATHS = {
    "attach": "attach and detach a queue",
    "attach contended": "the same while the other CPU does so too",
    "mask": "mask",
    "unmask": "unmask",
    "write": "write a message",
    "dispatch": "call the queues of a vector",
    "lookup": "look up an interrupt number",
    "setup": "set up a device, and release it",
}
"""The paths in the order of the table, and what is done."""

LEAST = {
    "mask": (2, "a write and its read-back (rule 12)"),
    "unmask": (2, "a write and its read-back (rule 12)"),
    "write": (4, "three registers of 32 bits, and a read-back (rule 12)"),
}
"""The fewest MMIO accesses that the rules for such stores permit; none for all other paths."""

TURN = re.compile(r"imsbench (\w+) ([\w-]+) (\d+)((?: [\w-]+=\d+/\d+)+)\s*$")
COUNT = re.compile(r"imsmmio (\w+) ([\w-]+) (\d+)((?: \w+=\d+)+)\s*$")

ALIGNED = "CFLAGS_ims_bench.o := -falign-functions=64 -falign-loops=32\n"
"""Where a loop of five instructions begins makes a third of its time, on either side."""

BEGIN, END = "<!-- results: made by `make bench` -->", "<!-- end of results -->"


@dataclass(frozen=True)
class Key:
    """What is measured: one path of one device at one size."""

    device: str
    path: str
    n: int
    """Vectors; for dispatch queues on the vector"""


@dataclass(frozen=True)
class Spread:
    """The nanoseconds per operation over all rounds."""

    median: float
    low: float
    """First quartile"""
    high: float
    """Third quartile"""
    rounds: int


@dataclass(frozen=True)
class Record:
    """One line of bench.json."""

    device: str
    path: str
    n: int
    where: str
    ours_ns: float
    peer: str
    peer_ns: float
    ratio: float
    """peer / ours"""
    ours_mmio: int | None
    """MMIO accesses of one operation; None where they were not counted"""
    peer_mmio: int | None


@dataclass(frozen=True)
class Log:
    """What the console log of one boot holds."""

    turns: Mapping[Key, Mapping[str, Spread]]
    """By side"""
    mmio: Mapping[Key, Mapping[str, int]]
    """By side"""


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles of VALUES, of which there must be two or more."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def parse(text: str) -> Log:
    """Read the console log of a boot. Lines that are not ours are passed over."""
    values: dict[Key, dict[str, list[float]]] = {}
    mmio: dict[Key, dict[str, int]] = {}
    for line in text.splitlines():
        found = TURN.search(line)
        if found:
            key = Key(found[1], found[2].replace("-", " "), int(found[3]))
            for side, ns, ops in re.findall(r"([\w-]+)=(\d+)/(\d+)", found[4]):
                values.setdefault(key, {}).setdefault(side, []).append(int(ns) / int(ops))
            continue
        found = COUNT.search(line)
        if found:
            key = Key(found[1], found[2].replace("-", " "), int(found[3]))
            mmio[key] = {side: int(n) for side, n in re.findall(r"(\w+)=(\d+)", found[4])}
    turns = {
        key: {side: spread(numbers) for side, numbers in sides.items() if len(numbers) > 1}
        for key, sides in values.items()
    }
    return Log(turns, mmio)


def rounded(value: float) -> float:
    """VALUE with four significant digits, which is more than any of these measurements has."""
    return float(f"{value:.4g}")


def mmio_of(key: Key, side: str, mmio: Mapping[Key, Mapping[str, int]]) -> int | None:
    """The MMIO accesses of SIDE for KEY, from the counts of all boots, of which any will do.

    Where n was too large to count, what holds for every other n, None if nothing does.
    """
    if side in mmio.get(key, {}):
        return mmio[key][side]
    known = {
        other.n: sides[side]
        for other, sides in mmio.items()
        if (other.device, other.path) == (key.device, key.path) and side in sides
    }
    return next(iter(known.values())) if len(set(known.values())) == 1 else None


def least(path: str) -> int:
    """The fewest MMIO accesses that the rules permit."""
    return LEAST[path][0] if path in LEAST else 0


def records(where: str, log: Log, mmio: Mapping[Key, Mapping[str, int]]) -> list[Record]:
    """The records of one boot; MMIO holds the counts of all boots."""
    made: list[Record] = []
    for key, sides in log.turns.items():
        for peer, theirs in sides.items():
            if peer == "ours" or peer.endswith("-alone"):
                continue
            made.append(
                Record(
                    key.device,
                    key.path,
                    key.n,
                    where,
                    rounded(sides["ours"].median),
                    peer,
                    rounded(theirs.median),
                    rounded(theirs.median / sides["ours"].median),
                    mmio_of(key, "ours", mmio),
                    mmio_of(key, peer, mmio),
                )
            )
    return sorted(made, key=order)


def order(record: Record) -> tuple[object, ...]:
    """By path as in `PATHS`, then place, peer and size."""
    return list(PATHS).index(record.path), record.where, record.peer, record.n


def excess(made: Iterable[Record]) -> list[str]:
    """Where our side makes more MMIO accesses than it needs."""
    return [
        f"{record.path} {record.n}: {record.ours_mmio} MMIO accesses"
        for record in made
        if record.ours_mmio is not None and record.ours_mmio != least(record.path)
    ]


def faults(where: str, log: Log) -> list[str]:
    """Why a boot's results can't be used: paths missing, too few rounds."""
    missing = set(PATHS) - {key.path for key in log.turns}
    if where == "uml":
        # It has one CPU.
        missing.discard("attach contended")
    found = [f"{where}: nothing was measured for {path}" for path in sorted(missing)]
    for key, sides in log.turns.items():
        for side, numbers in sides.items():
            if numbers.rounds < LEAST_ROUNDS:
                found.append(f"{where}: {key.path} {key.n} {side}: {numbers.rounds} rounds only")
    return found


# --- the report ---------------------------------------------------------------------------------


def time_text(ns: float) -> str:
    """Nanoseconds, with a unit that suits."""
    for limit, factor, unit in ((1e3, 1.0, "ns"), (1e6, 1e3, "us"), (1e9, 1e6, "ms")):
        if ns < limit:
            return f"{ns / factor:.3g} {unit}"
    return f"{ns / 1e9:.3g} s"


def spread_text(numbers: Spread) -> str:
    """Median, and half of the distance between the quartiles in percent of it."""
    return f"{time_text(numbers.median)} ±{(numbers.high - numbers.low) / 2 / numbers.median:.0%}"


def mmio_text(record: Record) -> str:
    """The counts of both sides, and the minimum."""
    counts = ["?" if n is None else f"{n:,}" for n in (record.ours_mmio, record.peer_mmio)]
    return f"{' / '.join(counts)} (least {least(record.path):,})"


def table(logs: Mapping[str, Log], made: Iterable[Record]) -> str:
    """All results as a Markdown table."""
    lines = [
        "| path | where | n | ours | peer | | ratio | MMIO ours / peer |",
        "| --- | --- | --: | --: | --- | --: | --: | --- |",
    ]
    for record in made:
        key = Key(record.device, record.path, record.n)
        sides = logs[record.where].turns[key]
        lines.append(
            f"| {record.path} | {record.where} | {record.n:,} | {spread_text(sides['ours'])} "
            f"| {record.peer} | {spread_text(sides[record.peer])} | {record.ratio:,.3g} "
            f"| {mmio_text(record)} |"
        )
    return "\n".join(lines) + "\n"


def contention(logs: Mapping[str, Log]) -> str:
    """How much of its speed a CPU keeps when the other one attaches too."""
    lines = ["| n | ours | mlx5 |", "| --: | --: | --: |"]
    for log in logs.values():
        for key, sides in sorted(log.turns.items(), key=lambda item: item[0].n):
            if "ours-alone" in sides:
                kept = [
                    sides[f"{side}-alone"].median / sides[side].median for side in ("ours", "mlx5")
                ]
                lines.append(f"| {key.n:,} | {kept[0]:.0%} | {kept[1]:.0%} |")
    return "\n".join(lines) + "\n"


def merged(logs: Mapping[str, Log]) -> dict[Key, Mapping[str, int]]:
    """The MMIO counts of all boots: they don't depend on where the code runs."""
    found: dict[Key, Mapping[str, int]] = {}
    for log in logs.values():
        found.update(log.mmio)
    return found


def with_table(text: str, body: str) -> str:
    """TEXT with BODY between the marks. Raises `StageError` when they are not there."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise host.StageError("docs/bench.md has lost the marks between which results stand")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{body}\n{END}{after}"


def plot(made: Sequence[Record], path: Path) -> None:
    """Draw the ratios against n, one panel for each path. Needs the extra "plot"."""
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    # The same results make the same file.
    matplotlib.rcParams["svg.hashsalt"] = "imsgen"
    # Text as text, not as outlines.
    matplotlib.rcParams["svg.fonttype"] = "none"
    pyplot = importlib.import_module("matplotlib.pyplot")
    names = [name for name in PATHS if any(record.path == name for record in made)]
    figure, panels = pyplot.subplots(3, 3, figsize=(11, 9), layout="constrained")
    for panel, name in zip(panels.flat, names):
        draw(panel, name, [record for record in made if record.path == name])
    for panel in list(panels.flat)[len(names) :]:
        panel.set_visible(False)
    figure.suptitle("Time of the peer / ours (above 1: faster)")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def draw(panel: Any, name: str, made: Sequence[Record]) -> None:
    """One panel: a line for each peer and place."""
    for peer, where in sorted({(record.peer, record.where) for record in made}):
        line = [record for record in made if (record.peer, record.where) == (peer, where)]
        panel.plot(
            [record.n for record in line],
            [record.ratio for record in line],
            marker="o",
            linestyle="-" if where == "qemu" else "--",
            label=f"{peer} ({where})",
        )
    panel.axhline(1, color="gray", linewidth=0.8)
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.set_title(PATHS[name], fontsize=10)
    panel.set_xlabel("queues on the vector" if name == "dispatch" else "vectors", fontsize=8)
    panel.tick_params(labelsize=8)
    panel.legend(fontsize=7)


# --- the run ------------------------------------------------------------------------------------


def prepare(place: Place, tree: Tree) -> trees.Applied:
    """Apply the series of the benchmarks' devices."""
    base = trees.base_of(tree)
    trees.reset(tree.apply, base)
    mbox = stages.generator(place, DEVICES, "--tree", tree.apply, "-o", "-")
    return trees.apply_series(tree, base, mbox, DEVICES.stem)


def plant(work: Path) -> None:
    """Put the benchmarks into a prepared work tree, built in without an option of their own."""
    into = work / INTO
    objects = []
    for source in sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.h")]):
        shutil.copyfile(source, into / source.name)
        if source.suffix == ".c":
            objects.append(f"tests/{source.stem}.o")
    makefile = into.parent / "Makefile"
    makefile.write_text(f"{makefile.read_text()}{ALIGNED}obj-y += {' '.join(objects)}\n")


def wanted(arch: str) -> dict[str, str]:
    """The configuration to measure."""
    return kconfig.merge(
        [
            *[(kconfig.CONFIGS / f"{name}.config").read_text() for name in FRAGMENTS[arch]],
            (SOURCES / "bench.config").read_text(),
        ]
    )


def measure(place: Place, wheres: Sequence[str]) -> dict[str, str]:
    """Build and boot; gives the console log by place. Raises `StageError` if a case failed."""
    tree = stages.for_kernel(place, stages.REFERENCE)
    logs: dict[str, str] = {}
    with fetch.locked(tree.home):
        applied = prepare(place, tree)
        work = trees.work_at(tree, applied.head)
        try:
            plant(work)
            for arch in wheres:
                where = ARCHS[arch].label
                built = build.Build(
                    work,
                    tree.objects(f"bench-{arch}"),
                    arch,
                    wanted(arch),
                    place.logs,
                    f"bench-{where}",
                )
                build.kernel(built)
                log = place.results / f"{built.label}.log"
                only = (f"kunit.filter_glob={SUITE}",)
                booted = boot.boot(built.label, built.image, MACHINES[arch], log, only)
                found = ktap.parse(booted.log, work)
                wrong = stages.boot_faults(booted, found, [SUITE])
                wrong += [name for suite in found.suites for name in suite.failures]
                if wrong:
                    raise host.StageError("\n    ".join([f"{built.label}: {log}", *wrong]))
                logs[where] = booted.log
        finally:
            trees.work_at(tree, applied.head)
    return logs


def publish(place: Place, logs: Mapping[str, Log], *, docs: bool) -> list[Record]:
    """Write bench.json, bench-spread.json, and the documents if DOCS. Gives the records."""
    mmio = merged(logs)
    made = sorted(
        (record for where, log in logs.items() for record in records(where, log, mmio)), key=order
    )
    out = place.root / "build"
    out.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(asdict(record)) for record in made)
    (out / "bench.json").write_text(f"[\n{lines}\n]\n")
    spreads = [
        {"where": where, **asdict(key), "side": side, **asdict(numbers)}
        for where, log in logs.items()
        for key, sides in log.turns.items()
        for side, numbers in sides.items()
    ]
    (out / "bench-spread.json").write_text(json.dumps(spreads, indent=1) + "\n")
    if docs:
        page = place.root / "docs" / "bench.md"
        body = (
            f"{table(logs, made)}\nSpeed that a CPU keeps when the other one attaches too:\n\n"
            f"{contention(logs)}"
        )
        page.write_text(with_table(page.read_text(), body))
        plot(made, page.with_suffix(".svg"))
    return made


def run(args: argparse.Namespace) -> int:
    """Measure, or read logs, and report. Returns the exit code."""
    place = Place(args.root.resolve())
    if args.log:
        texts = {
            path.stem.removeprefix("bench-"): path.read_text(errors="replace") for path in args.log
        }
    else:
        texts = measure(place, args.where or list(MACHINES))
    logs = {where: parse(text) for where, text in texts.items()}
    wrong = [fault for where, log in logs.items() for fault in faults(where, log)]
    made = publish(place, logs, docs=args.docs)
    wrong += excess(made)
    host.say(table(logs, made))
    host.say(contention(logs))
    for fault in wrong:
        host.fail(fault)
    return 1 if wrong else 0


def main() -> int:
    """Exit code 0: measured. 1: something failed, or is missing in the results."""
    top = argparse.ArgumentParser(prog="python -m imsgen.kernel_test_module.bench")
    top.add_argument("--root", type=Path, default=Path.cwd(), help="the repository (default: here)")
    top.add_argument(
        "--where",
        action="append",
        choices=sorted(MACHINES),
        help="UML or QEMU, may be repeated (default: both)",
    )
    top.add_argument(
        "--log", action="append", type=Path, help="read bench-WHERE.log instead of measuring"
    )
    top.add_argument("--docs", action="store_true", help="write docs/bench.md and bench.svg too")
    try:
        return run(top.parse_args())
    except host.StageError as error:
        host.fail(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
