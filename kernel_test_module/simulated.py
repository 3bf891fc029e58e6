"""The simulator and the library give the same answers: both do the same, here it is compared.

`sim_driver/` runs on the pools of `sim_driver/sim.ims` in a booted kernel, and prints what became
of them. Here the same is done with `imsgen.generator.simulator.pool`, and every line has to be the
same:

* `random`: 10,000 operations on two pools and their subdevices
* `short`: 10,000 operations on one pool after the other, on a machine that runs out of CPU vectors,
  of those of all CPUs or of one
* `scale`: 1,000 subdevices with 16,000 queues, which `imsgen simulate` has to predict

The outcome is in build/results/simulated.json.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.simulator.pool import (
    ENOSPC,
    HZ,
    Machine,
    Pool,
    Vector,
    give_back,
    spare,
    take,
)
from imsgen.generator.simulator.run import Plan, Setup, plan, simulate, spread, wanted_of

from . import boot, build, checks, e2e, fetch, host, stages, trees
from .report import Report
from .stages import Place

SOURCES = Path(__file__).resolve().parent / "sim_driver"
DEVICES = SOURCES / "sim.ims"
DIRECTORY = "drivers/misc/imsgen_sim"
SYMBOL = "CONFIG_IMSGEN_SIM_KUNIT_TEST"
SUITES = ("ims_sim", "ims_sim_short")

MACHINE = replace(boot.Q35, cpus=16, memory=1024, options=e2e.ICOUNT, limit=1500.0)
"""With virtual time: 16 CPUs on a host that has fewer would stall each other."""

Line = dict[str, Any]


def numbers() -> dict[str, int]:
    """The numbers that the driver is built with, by their names in C."""
    text = "".join(path.read_text() for path in sorted(SOURCES.glob("*.[ch]")))
    return {
        name: int(value, 0)
        for name, value in re.findall(r"#define (\w+)\s+(0x[0-9a-fA-F]+|\d+)U?\n", text)
    }


def device(name: str) -> Device:
    """One of the devices that are driven."""
    return next(found for found in load(DEVICES).devices if found.name == name)


class Random:
    """The random numbers of the driver: xorshift with 32 bits."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def next(self) -> int:
        """The next number, 32 bits."""
        x = self.state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self.state = x
        return x


class Hash:
    """FNV-1a with words of 32 bits instead of bytes."""

    def __init__(self) -> None:
        self.value = 2166136261

    def add(self, *words: int) -> None:
        """Hash some words; negative ones are two's complements."""
        for word in words:
            self.value = (self.value ^ word & 0xFFFFFFFF) * 16777619 & 0xFFFFFFFF


def bits(word: int, cpus: int) -> list[int]:
    """The CPUs whose bits are set."""
    return [cpu for cpu in range(cpus) if word >> cpu % 32 & 1]


# --- short --------------------------------------------------------------------------------------


class Short:
    """The operations of short_kunit.c."""

    def __init__(self, chosen: Plan, cpus: int) -> None:
        self.c = {k.removeprefix("SHORT_"): v for k, v in numbers().items() if "SHORT_" in k}
        self.plan = chosen
        self.machine = Machine(cpus, total=0)
        self.pool = Pool(self.machine, chosen.entries, chosen.limit, chosen.reserve)
        self.random = Random(self.c["SEED"])
        self.held: list[Vector] = []
        self.failed = 0
        self.hash = Hash()

    def state(self) -> None:
        """Hash everything that there is in the pool."""
        pool, add = self.pool, self.hash.add
        for vec in pool.vecs:
            if vec is None:
                add(0)
            else:
                add(vec.users, vec.cpu, vec.dedicated)
        for cpu, used in zip(pool.cpus, self.machine.used):
            add(cpu.open.entry + 1 if cpu.open else 0)
            add(*(vec.entry + 1 for vec in reversed(cpu.vecs)))
            add(used)
        add(pool.full, pool.made, pool.shared_full, pool.elsewhere)
        add(self.machine.active, self.machine.allocated)

    def keep(self, vec: Vector | int) -> None:
        """What an operation gave."""
        if isinstance(vec, int):
            self.failed += 1
            self.hash.add(-vec)
            return
        self.hash.add(vec.entry)
        self.held.append(vec)

    def one_get(self, cpu: int, mask: list[int]) -> None:
        """A shared vector."""
        if len(self.held) == self.c["HELD"]:
            return
        pool = self.pool
        self.keep(pool.get_least(mask) if self.plan.least_loaded else pool.get(cpu))

    def one_dedicated(self, cpu: int) -> None:
        """A dedicated vector, requested."""
        if len(self.held) == self.c["HELD"]:
            return
        vec = self.pool.get_dedicated()
        if isinstance(vec, Vector) and not self.pool.request(vec, cpu):
            self.pool.put(vec)
            vec = ENOSPC
        self.keep(vec)

    def one_put(self, number: int) -> None:
        """Give one of those which are held back; the last one takes its place."""
        if self.held:
            self.pool.put(drop(self.held, number % len(self.held)))

    def operation(self, number: int) -> None:
        """One operation, drawn from the random numbers."""
        word, draw = self.random.next() % 100, self.random.next()
        gets = 25 if number // self.c["TIDE"] % 2 else 60
        cpu = draw % self.machine.cpus
        mask = bits(self.random.next() & self.random.next(), self.machine.cpus)
        if word < gets:
            self.one_get(cpu, mask)
        elif word < gets + 6:
            self.one_dedicated(cpu)
        elif word < gets + 8:
            for _ in range(self.c["BURST"]):
                self.one_get(cpu, mask)
        elif word < gets + 10:
            for _ in range(self.c["BURST"]):
                self.one_put(self.random.next())
        elif word < gets + 13:
            self.machine.now += HZ
        else:
            self.one_put(draw)

    def lines(self) -> Iterator[Line]:
        """What the kernel is to print."""
        yield {
            "test": "short",
            "pool": self.plan.name,
            "cpus": self.machine.cpus,
            "entries": self.plan.entries,
            "vectors": self.c["VECTORS"],
            "seed": self.c["SEED"],
        }
        for number in range(self.c["OPERATIONS"]):
            span = number // self.c["SPAN"] % 3
            self.machine.total = self.c["PLENTY"] if span else self.c["VECTORS"]
            self.machine.vectors = self.c["PER_CPU"] if span == 2 else None
            self.operation(number)
            self.state()
            if number % self.c["LINE"] == self.c["LINE"] - 1:
                yield {
                    "test": "short",
                    "pool": self.plan.name,
                    "operation": number + 1,
                    "hash": self.hash.value,
                    "held": len(self.held),
                    "active": self.machine.active,
                    "made": self.pool.made,
                    "shared_full": self.pool.shared_full,
                    "elsewhere": self.pool.elsewhere,
                    "failed": self.failed,
                }


def drop(items: list[Any], index: int) -> Any:
    """Take an item out; the last one takes its place."""
    item = items[index]
    items[index] = items[-1]
    items.pop()
    return item


@functools.cache
def short_lines(cpus: int) -> tuple[Line, ...]:
    """Both pools, one after the other."""
    found = device("simshort")
    setup = Setup(cpus=cpus, queues=0, msix=numbers()["SHORT_MSIX"])
    plans = [plan(found, pool, setup) for pool in found.pools]
    return tuple(line for chosen in plans for line in Short(chosen, cpus).lines())


# --- random -------------------------------------------------------------------------------------


class Operations:
    """The random operations of sim_kunit.c: two pools, and subdevices which take of both."""

    def __init__(self, cpus: int) -> None:
        self.c = numbers()
        found = device("simops")
        setup = Setup(cpus=cpus, queues=0, msix=self.c["OPS_MSIX"])
        self.machine = Machine(cpus, total=self.c["SIM_CPU_VECTORS"] * cpus)
        self.pools = [
            Pool(self.machine, one.entries, one.limit, one.reserve)
            for one in (plan(found, pool, setup) for pool in found.pools)
        ]
        self.ctrl, self.comp = self.pools
        self.members = found.subdevices[0].members
        self.random = Random(self.c["OPS_SEED"])
        self.hash = Hash()
        self.held: list[tuple[Pool, Vector]] = []
        self.subdevices: list[tuple[list[tuple[Pool, Sequence[Vector]]], int]] = []

    def mix(self, vec: Vector) -> None:
        """Hash a vector."""
        self.hash.add(vec.entry, vec.cpu, vec.users, vec.dedicated)

    def got(self, pool: Pool, vec: Vector | int) -> None:
        """What an operation gave."""
        if isinstance(vec, int):
            self.hash.add(vec)
            return
        self.mix(vec)
        self.held.append((pool, vec))

    def put(self, index: int) -> None:
        """Give one of those which are held back."""
        pool, vec = drop(self.held, index)
        self.mix(vec)
        pool.put(vec)

    def add(self, queues: int) -> None:
        """A subdevice."""
        taken: list[tuple[Pool, Sequence[Vector]]] = []
        for pool, member in zip(self.pools, self.members):

            def get(cpu: int | None, pool: Pool = pool) -> Vector | int:
                assert cpu is not None
                return pool.get(cpu)

            taken.append((pool, take(pool, wanted_of(member, queues), get)))
            if len(taken[-1][1]) < member.minimum:
                give_back(taken)
                self.hash.add(ENOSPC)
                return
        attached = queues * self.c["OPS_QUEUES"]
        for vec in spare(taken[-1][1], attached):
            self.comp.add_user(vec)
        self.hash.add(sum(len(vectors) for _, vectors in taken))
        for _, vectors in taken:
            for vec in vectors:
                self.mix(vec)
        self.subdevices.append((taken, attached))

    def drop(self, index: int) -> None:
        """A subdevice goes."""
        taken, attached = drop(self.subdevices, index)
        for vec in reversed(list(spare(taken[-1][1], attached))):
            self.comp.drop_user(vec)
        give_back(taken)

    def step(self, number: int) -> None:
        """One operation, drawn from the random numbers."""
        grow = number // self.c["OPS_PHASE"] % 2 == 0
        what, which = self.random.next() % 100, self.random.next()
        self.hash.add(what)
        if what >= (65 if grow else 30):
            if self.held:
                self.put(which % len(self.held))
        elif what < 7:
            if len(self.subdevices) < self.c["OPS_SUBDEVICES"]:
                self.add(which % 8)
        elif what < 12:
            if self.subdevices:
                self.drop(which % len(self.subdevices))
        elif len(self.held) < self.c["OPS_HELD"]:
            self.get(what, which)

    def get(self, what: int, which: int) -> None:
        """One of the ways to get a vector."""
        comp, cpus = self.comp, self.machine.cpus
        if what < 18:
            self.got(comp, comp.get_dedicated())
        elif what < 30:
            self.got(comp, comp.get_least(bits(which, cpus)))
        elif what < 40:
            self.got(comp, comp.get(which % cpus))
        elif what < 50:
            self.got(comp, comp.get_least())
        else:
            self.got(self.ctrl, self.ctrl.get(which % cpus))

    def lines(self) -> Iterator[Line]:
        """What the kernel is to print."""
        ctrl, comp = self.ctrl, self.comp
        for number in range(self.c["OPS_STEPS"]):
            self.step(number)
            if (number + 1) % self.c["OPS_SAMPLE"]:
                continue
            for pool in self.pools:
                for vec in pool.vecs:
                    if vec is not None:
                        self.mix(vec)
            yield {
                "test": "random",
                "cpus": self.machine.cpus,
                "step": number + 1,
                "hash": f"{self.hash.value:08x}",
                "held": len(self.held),
                "subdevices": len(self.subdevices),
                "ctrl": [ctrl.taken, ctrl.made, ctrl.shared_full],
                "comp": [comp.taken, comp.shared, comp.made, comp.shared_full],
            }


@functools.cache
def random_lines(cpus: int) -> tuple[Line, ...]:
    """All of them."""
    return tuple(Operations(cpus).lines())


# --- scale --------------------------------------------------------------------------------------


@functools.cache
def scale_lines(cpus: int) -> tuple[Line, ...]:
    """What `imsgen simulate` says of many subdevices, in the words of `in_words()`."""
    c = numbers()
    subdevices = c["SCALE_SUBDEVICES"]
    setup = Setup(
        cpus=cpus,
        queues=subdevices * c["SCALE_QUEUES"],
        vectors_per_cpu=c["SIM_CPU_VECTORS"],
        subdevices=(("", subdevices),),
        msix=c["SCALE_MSIX"],
    )
    found = simulate(device("simnic"), setup)
    (kind,) = found.subdevices
    return tuple(
        {
            "test": "scale",
            "cpus": cpus,
            "subdevices": kind.created,
            "queues": setup.queues,
            "pool": pool.pool,
            "vectors": pool.vectors,
            "made": pool.vectors,
            "shared_full": pool.shared_full,
            "users": pool.served,
            "users_min": pool.users.minimum if pool.users else 0,
            "users_max": pool.users.maximum if pool.users else 0,
            "per_cpu": [pool.per_cpu.minimum, pool.per_cpu.median, pool.per_cpu.maximum],
        }
        for pool in found.pools
    )


def in_words(line: Line) -> Line:
    """A line of the kernel: minimum, median and maximum where it has a number for each CPU."""
    if line.get("test") != "scale":
        return line
    found = spread(line["per_cpu"])
    return line | {"per_cpu": [found.minimum, found.median, found.maximum]}


# --- comparing ----------------------------------------------------------------------------------

TESTS = {
    "random": ("10,000 operations on two pools and their subdevices", random_lines),
    "short": ("10,000 operations each on two pools that run out of CPU vectors", short_lines),
    "scale": ("1,000 subdevices with 16,000 queues", scale_lines),
}


def read(log: str) -> list[Line]:
    """The lines of the driver in a log. Raises `StageError` for one that can't be read."""
    found = []
    for text in log.splitlines():
        match = re.search(r"\bsim: (\{.*\})", text)
        if not match:
            continue
        try:
            line = json.loads(match[1])
        except ValueError:
            raise host.StageError(f"not a line of the driver: {text}") from None
        found.append(in_words(line))
    return found


def differences(kernel: Sequence[Line], simulated: Iterable[Line]) -> list[str]:
    """The first line in which both differ, or that there are too few or too many."""
    wanted = list(simulated)
    for mine, theirs in zip(wanted, kernel):
        if mine != theirs:
            names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
            where = {name: mine[name] for name in ("pool", "step", "operation") if name in mine}
            return [f"first in {where}"] + [
                f"{name}: {mine.get(name)}, in the kernel {theirs.get(name)}" for name in names
            ]
    if len(kernel) != len(wanted):
        return [f"the kernel said {len(kernel)} lines, not {len(wanted)}"]
    return []


def compare(log: str, report: Report) -> list[Line]:
    """Do again what the kernel did, and check each test. Gives a summary of each."""
    found = read(log)
    summary: list[Line] = []
    for test, (title, lines) in TESTS.items():
        own = [line for line in found if line.get("test") == test]
        faults = differences(own, lines(MACHINE.cpus))
        report.check(f"simulated: the kernel says the same of {title}", faults)
        summary.append({"test": test, "what": title, "lines": len(own), "same": not faults})
        summary[-1]["last"] = own[-2:] if test == "scale" else own[-1:]
    return summary


# --- the run ------------------------------------------------------------------------------------


def prepare(place: Place, tree: fetch.Tree) -> stages.Prepared:
    """Apply the series of the driver's devices."""
    base = trees.base_of(tree)
    trees.reset(tree.apply, base)
    mbox = stages.generator(place, DEVICES, "--tree", tree.apply, "-o", "-")
    return stages.Prepared(tree, trees.apply_series(tree, base, mbox, "sim"), {"sim": mbox})


def checked(work: Path, report: Report) -> None:
    """checkpatch on the driver."""
    faults: list[str] = []
    for path in sorted(SOURCES.glob("*.[ch]")):
        faults += checks.checkpatch_faults(work, "-f", f"{DIRECTORY}/{path.name}")
    report.check("simulated: checkpatch of the driver", faults)


def run(place: Place, report: Report) -> None:
    """Prepare, build, boot, compare. Raises `StageError` where that can't be done."""
    tree = stages.for_kernel(place, stages.REFERENCE)
    with fetch.locked(tree.home):
        prepared = prepare(place, tree)
        work = trees.work_at(tree, prepared.applied.head)
        try:
            trees.add_driver(work, SOURCES, Path(DIRECTORY).name)
            checked(work, report)
            full = stages.configuration(place, prepared, "x86_64")
            built = replace(
                full,
                wanted=dict(full.wanted) | {SYMBOL: "y"},
                label=f"{tree.kernel}-simulated",
            )
            build.kernel(built)
            glob = ("kunit.filter_glob=ims_sim*",)
            stages.run_boot(place, built, MACHINE, work, SUITES, report, glob)
        finally:
            trees.work_at(tree, prepared.applied.head)
    log = (place.results / f"{built.label}.log").read_text()
    summary = compare(log, report)
    (place.results / "simulated.json").write_text(json.dumps(summary, indent=1) + "\n")
