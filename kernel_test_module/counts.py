"""`python -m imsgen.kernel_test_module.counts`: the hot paths of every example in object code.

Each inline function is compiled alone and disassembled: instructions, conditional branches, locked
instructions, instructions that write memory, calls. Golden files in tests/golden/counts hold them
for one compiler (IMSGEN_UPDATE=1 writes them again). With any other compiler only what does not
depend on it is compared: atomics, and which slow parts are called.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from imsgen.dsl import load
from imsgen.dsl.model import Device, SharePolicy, Sharing
from imsgen.generator.kinds import kinds_of
from imsgen.generator.names import Names, names_of
from imsgen.generator.views.stores import Slots

from . import build, fetch, host, stages, trees
from .bench import INTO, wanted
from .report import Report
from .stages import Place

ARCH = "x86_64"
GOLDEN = Path("tests/golden/counts")

PADDING = re.compile(r"^(?:data16 |cs )*(?:nop\w*|xchg +%ax,%ax|int3)\b")
MEMORY = re.compile(r"(?:-?0x[0-9a-f]+)?\((?:%|,)[^)]*\)$")
READERS = ("cmp", "test", "bt", "j", "call", "push", "lea", "ucomis", "prefetch")
"""Instructions whose last operand is not written."""


@dataclass(frozen=True)
class Count:
    """What one hot path is made of."""

    instructions: int
    branches: int
    """Conditional"""
    locked: int
    stores: int
    """Instructions that write memory other than the stack"""
    calls: tuple[str, ...]
    """Functions that are called or jumped to, each once; "*" is one through a pointer"""


@dataclass(frozen=True)
class Probe:
    """A hot path: its name in the results, and the function that holds nothing else."""

    path: str
    symbol: str
    code: str = ""
    """Its C text; empty where the function is in the glue"""
    locked: int = 0
    """Atomics it may have"""
    slow: tuple[str, ...] = ()
    """Functions that it may call: its slow parts, which are out of line"""


# --- what is looked at --------------------------------------------------------------------------


SHOW = ("_raw_spin_lock_irqsave", "iowrite32be", "_raw_spin_unlock_irqrestore")
"""What has a slot show: a select register, of either byte order, and the lock of who shares it."""


def store_probes(f: str, slots: Slots) -> Iterator[Probe]:
    """The accesses of a store with slots, and the callbacks of its chip."""
    store, ctrl = slots.name, slots.control.type if slots.control else "u32"
    # Who is given what leads to a slot has the slot show first.
    show = SHOW if slots.pointer != slots.slot else ()
    masks = (("mask", f", {ctrl} ctrl", ", ctrl"), ("unmask", f", {ctrl} ctrl", ", ctrl"))
    for name, more, pass_on in (
        *(masks if slots.mask_bit else ()),
        ("write", ", const struct msi_msg *msg", ", msg"),
        ("reset", "", ""),
    ):
        symbol = f"count_{store}_{name}"
        call = f"{slots.fn}_{name}(slot{pass_on});"
        code = f"void {symbol}({slots.pointer}slot{more}) {{ {call} }}"
        yield Probe(f"{store} {name}", symbol, code, slow=show)
    for name, slow in (
        ("irq_mask", ("irq_chip_mask_parent",)),
        ("irq_unmask", ("irq_chip_unmask_parent",)),
        ("irq_write_msi_msg", ()),
    ):
        yield Probe(f"{store} chip {name}", f"{f}_{store}_{name}", slow=(*slow, *show))


def probe(
    of: str, name: str, result: str, args: str, body: str, *slow: str, locked: int = 0
) -> Probe:
    """One inline function of a pool, or of the subdevices' part of it, as OF names them."""
    symbol = f"count_{of.replace(' ', '_')}_{name}"
    code = f"{result}{symbol}({args}) {{ {body} }}"
    return Probe(f"{of} {name}", symbol, code, locked, slow)


def pool_probes(f: str, pool: str, sharing: Sharing | None, managed: bool) -> Iterator[Probe]:
    """Look-up; if the pool is shared get on a CPU, put, attach, detach and dispatch.

    The PCI core knows the vectors of managed pools, which are looked up when a queue is set up.
    """
    fn = f"{f}_{pool}"
    irqs, vec, user = f"struct {f}_irqs *irqs", "struct irq_vec *vec", "struct irq_vec_user *user"

    look_up = f"return {fn}_irq(irqs, n);"
    core = ("pci_irq_vector",) if managed else ()
    yield probe(pool, "lookup", "unsigned int ", f"{irqs}, unsigned int n", look_up, *core)
    if not sharing:
        return
    get = "get_on" if sharing.policy is SharePolicy.LEAST_LOADED else "get"
    call = f"return {fn}_{get}(irqs, cpu);"
    args = f"{irqs}, unsigned int cpu"
    yield probe(pool, "get", "struct irq_vec *", args, call, "__irq_vecpool_get", locked=1)
    yield probe(pool, "put", "void ", vec, f"{fn}_put(vec);", "__irq_vec_put", locked=1)
    call = f"{fn}_attach(vec, user);"
    yield probe(pool, "attach", "void ", f"{vec}, {user}", call, "__irq_vec_attach", locked=1)
    yield probe(pool, "detach", "void ", user, f"{fn}_detach(user);", "__irq_vec_detach", locked=1)
    symbol = f"count_{pool}_dispatch"
    yield Probe(
        f"{pool} dispatch",
        symbol,
        f"struct count_{pool}_queue {{ struct irq_vec_user user; unsigned long count; }};\n"
        f"static irqreturn_t count_{pool}_queue({user})\n"
        f"{{ container_of(user, struct count_{pool}_queue, user)->count++; return IRQ_HANDLED; }}\n"
        f"irqreturn_t {symbol}(int irq, void *vec)\n"
        f"{{ return {fn}_dispatch(vec, count_{pool}_queue); }}",
        slow=("__irq_vec_dispatch",),
    )


def member_probes(f: str, kind: str, member: str, shared: bool) -> Iterator[Probe]:
    """A subdevice's look-up of a vector; if its pool is shared attach and detach."""
    of, fn, vecs = f"{kind} {member}", f"{f}_{kind}_{member}", "struct irq_vecset_vec *vec"
    user = "struct irq_vec_user *user"

    args, call = "const struct irq_vecset *set, unsigned int n", f"return {fn}(set, n);"
    yield probe(of, "lookup", "struct irq_vecset_vec *", args, call)
    if not shared:
        return
    for name in ("attach", "detach"):
        # What counts the users is out of line, whoever attaches.
        slow = (f"irq_vecset_{'count' if name == 'attach' else 'uncount'}", f"__irq_vec_{name}")
        call = f"{fn}_{name}(vec, user);"
        yield probe(of, name, "void ", f"{vecs}, {user}", call, *slow, locked=1)


def probes(device: Device) -> list[Probe]:
    """All hot paths of a device."""
    f = device.name
    found: list[Probe] = []
    for store in kinds_of(device):
        if store.slots:
            found.extend(store_probes(f, store.slots))
    for vector in device.vectors:
        symbol, array = f"count_irq_{vector.name}", vector.count is not None
        code = (
            f"unsigned int {symbol}(struct {f}_irqs *irqs{', unsigned int i' if array else ''}) "
            f"{{ return {f}_irq_{vector.name}(irqs{', i' if array else ''}); }}"
        )
        found.append(Probe(f"{vector.name} lookup", symbol, code))
    for pool in device.pools:
        found.extend(pool_probes(f, pool.name, pool.sharing, pool.managed))
    shared = {pool.name for pool in device.pools if pool.sharing}
    for kind in device.subdevices:
        for member in kind.members:
            found.extend(member_probes(f, kind.name, member.pool, member.pool in shared))
    return found


def source(names: Names, found: Sequence[Probe]) -> str:
    """The C file that holds the probes of a device."""
    lines = [
        "// SPDX-License-Identifier: GPL-2.0",
        "#include <linux/container_of.h>",
        f"#include {names.include}",
    ]
    for store in names.headers:
        lines.append(f'#include "{os.path.relpath(store.path, INTO)}"')
    lines.extend(probe.code for probe in found if probe.code)
    return "\n".join(lines) + "\n"


# --- disassembly --------------------------------------------------------------------------------


def functions(listing: str) -> dict[str, list[str]]:
    """The instructions of each function in the output of `objdump -dr --no-show-raw-insn`.

    A call to another object stands there as the relocation's name.
    """
    found: dict[str, list[str]] = {}
    body: list[str] = []
    for line in listing.splitlines():
        start = re.fullmatch(r"[0-9a-f]+ <([^>]+)>:", line)
        if start:
            body = found.setdefault(start[1], [])
            continue
        relocation = re.match(r"\s+[0-9a-f]+: R_\w+\s+(\S+?)(?:[-+]0x[0-9a-f]+)?$", line)
        if relocation:
            if body:
                body[-1] = f"{body[-1].split(' <')[0]} <{relocation[1]}>"
            continue
        instruction = re.match(r"\s+[0-9a-f]+:\s+(.*?)\s*$", line)
        if instruction:
            body.append(re.sub(r"\s+# .*", "", re.sub(r"\s+", " ", instruction[1])))
    return found


def writes_memory(text: str) -> bool:
    """Whether an instruction, without its prefixes, writes memory other than the stack."""
    name, _, operands = text.partition(" ")
    if name.startswith(READERS) and not name.startswith(("bts", "btr", "btc", "cmpxchg")):
        return False
    operands = operands.split(" <")[0]
    return bool(MEMORY.search(operands)) and "(%rsp)" not in operands


def target(text: str, own: str) -> str | None:
    """The function an instruction calls or jumps to; None if it stays within OWN."""
    name, _, operands = text.partition(" ")
    if not name.startswith(("call", "j")):
        return None
    if operands.startswith("*"):
        return "*"
    where = re.search(r"<([^>+]+)(\+0x[0-9a-f]+)?>", operands)
    if not where:
        return None
    if where[1].startswith("__x86_indirect_thunk"):
        return "*"
    return None if where[1] in (own, f"{own}.cold") else where[1]


def count(symbol: str, body: Sequence[str]) -> Count:
    """Count the instructions of the function SYMBOL."""
    instructions = branches = locked = stores = 0
    calls: list[str] = []
    for text in body:
        if PADDING.match(text):
            continue
        instructions += 1
        prefix, _, rest = text.partition(" ")
        if prefix == "lock":
            locked += 1
            text = rest
        elif text.startswith("xchg") and "(" in text:
            locked += 1
        if text.startswith("j") and not text.startswith("jmp"):
            branches += 1
        stores += writes_memory(text)
        called = target(text, symbol)
        if called and called not in calls:
            calls.append(called)
    return Count(instructions, branches, locked, stores, tuple(calls))


def violations(device: str, probe: Probe, found: Count) -> list[str]:
    """What a hot path must not hold, whatever the compiler."""
    where = f"{device}: {probe.path}"
    wrong = []
    if "*" in found.calls:
        wrong.append(f"{where}: a call through a pointer")
    more = sorted(set(found.calls) - {"*"} - set(probe.slow))
    if more:
        wrong.append(f"{where}: calls {', '.join(more)}")
    if found.locked > probe.locked:
        wrong.append(f"{where}: {found.locked} atomics, not {probe.locked}")
    return wrong


# --- golden files -------------------------------------------------------------------------------


def as_text(compiler: str, counts: Mapping[str, Count]) -> str:
    """The golden file of a device: one line for each path."""
    lines = ",\n".join(
        f"    {json.dumps(path)}: {json.dumps(asdict(found))}" for path, found in counts.items()
    )
    return f'{{\n  "compiler": {json.dumps(compiler)},\n  "paths": {{\n{lines}\n  }}\n}}\n'


def compare(device: str, golden: str, compiler: str, counts: Mapping[str, Count]) -> list[str]:
    """What differs from the golden file. With another compiler only atomics and calls count."""
    wanted_ = json.loads(golden)
    same = wanted_["compiler"] == compiler
    keys = list(asdict(Count(0, 0, 0, 0, ()))) if same else ["locked", "calls"]
    wrong = []
    for path in sorted({*wanted_["paths"], *counts}):
        if path not in counts or path not in wanted_["paths"]:
            wrong.append(f"{device}: {path}: {'new' if path in counts else 'gone'}")
            continue
        got, old = json.loads(json.dumps(asdict(counts[path]))), wanted_["paths"][path]
        wrong.extend(
            f"{device}: {path}: {key} {old[key]} -> {got[key]}"
            for key in keys
            if got[key] != old[key]
        )
    return wrong


# --- the run ------------------------------------------------------------------------------------


def devices(place: Place) -> dict[str, Device]:
    """The devices of the examples, by their names: those that x86 takes, which has no others."""
    found: dict[str, Device] = {}
    for path in sorted((place.root / "examples").glob("*.ims")):
        result = load(path)
        if len(result.devices) != 1:
            raise host.StageError(f"{path} does not describe one device")
        if not result.devices[0].is_platform:
            found[path.stem] = result.devices[0]
    return found


def compiled(built: build.Build, found: Mapping[str, Device]) -> dict[str, dict[str, Count]]:
    """Compile the probes of all devices into the objects of BUILT, and count."""
    work = built.source
    todo: list[str] = []
    for device in found.values():
        names = names_of(device)
        text = source(names, probes(device))
        build.write_if_changed(work / INTO / f"ims_counts_{device.name}.c", text)
        todo += [f"{INTO}/ims_counts_{device.name}.o", f"{names.glue.removesuffix('.c')}.o"]
    build.compile_targets(built, todo, "counts")
    counts: dict[str, dict[str, Count]] = {}
    for device in found.values():
        bodies: dict[str, list[str]] = {}
        for name in (f"{INTO}/ims_counts_{device.name}.o", names_of(device).glue[:-2] + ".o"):
            command: list[str | Path] = ["objdump", "-dr", "--no-show-raw-insn"]
            bodies.update(functions(host.run([*command, built.objects / name])))
        counts[device.name] = {
            probe.path: count(probe.symbol, bodies[probe.symbol]) for probe in probes(device)
        }
    return counts


def compiler_of(built: build.Build) -> str:
    """The compiler that the configuration was made for, as "gcc 12.2.0"."""
    text = (built.objects / ".config").read_text()
    match = re.search(r'CONFIG_CC_VERSION_TEXT="(\S+) .*?([0-9.]+)"', text)
    return f"{match[1].split('-')[-1]} {match[2]}" if match else "unknown"


def judge(place: Place, compiler: str, all_counts: Mapping[str, Mapping[str, Count]]) -> list[str]:
    """Compare with the golden files, or write them when IMSGEN_UPDATE is set."""
    wrong: list[str] = []
    for device, counts in all_counts.items():
        golden = place.root / GOLDEN / f"{device}.json"
        if os.environ.get("IMSGEN_UPDATE"):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(as_text(compiler, counts))
        elif not golden.exists():
            wrong.append(f"{device}: no golden file; IMSGEN_UPDATE=1 writes it")
        else:
            wrong.extend(compare(device, golden.read_text(), compiler, counts))
    return wrong


def show(all_counts: Mapping[str, Mapping[str, Count]]) -> str:
    """All counts as a Markdown table."""
    lines = [
        "| device | path | instructions | branches | atomics | writes | calls |",
        "| --- | --- | --: | --: | --: | --: | --- |",
    ]
    for device, counts in all_counts.items():
        for path, c in counts.items():
            lines.append(
                f"| {device} | {path} | {c.instructions} | {c.branches} | {c.locked} | {c.stores} "
                f"| {', '.join(c.calls)} |"
            )
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Found:
    """What a run found."""

    compiler: str
    counts: Mapping[str, Mapping[str, Count]]
    """By device and path"""
    wrong: Mapping[str, Sequence[str]]
    """By device: what a hot path must not hold, and what is not as in the golden file"""


def look(place: Place) -> Found:
    """Compile, count, compare. Raises `StageError` if that can't be done."""
    found = devices(place)
    tree = stages.for_kernel(place, stages.REFERENCE)
    with fetch.locked(tree.home):
        prepared = stages.prepare(place, tree, list(found))
        work = trees.work_at(tree, prepared.applied.head)
        try:
            want = {k: v for k, v in wanted(ARCH).items() if not re.search(r"BENCH|IMS_KUNIT", k)}
            built = build.Build(
                work, tree.objects(f"counts-{ARCH}"), ARCH, want, place.logs, "counts"
            )
            build.configure(built)
            all_counts = compiled(built, found)
        finally:
            trees.work_at(tree, prepared.applied.head)
    compiler = compiler_of(built)
    wrong: dict[str, Sequence[str]] = {}
    for device in found.values():
        mine = all_counts[device.name]
        wrong[device.name] = [
            fault
            for probe in probes(device)
            for fault in violations(device.name, probe, mine[probe.path])
        ] + judge(place, compiler, {device.name: mine})
    return Found(compiler, all_counts, wrong)


def stage(place: Place, report: Report) -> None:
    """One check for each device; a stage that can't run is a failure."""
    try:
        found = look(place)
    except host.StageError as error:
        report.check("object code", str(error).splitlines())
        return
    paths = sum(len(counts) for counts in found.counts.values())
    host.say(f"object code: {paths} hot paths, {found.compiler}")
    for device, wrong in found.wrong.items():
        report.check(f"object code of {device}", wrong)


def run(place: Place) -> int:
    """Compile, count, compare, and print all counts. Returns the exit code."""
    found = look(place)
    host.say(show(found.counts))
    wrong = [fault for faults in found.wrong.values() for fault in faults]
    for fault in wrong:
        host.fail(fault)
    return 1 if wrong else 0


def main() -> int:
    """Exit code 0: all as it was, and nothing forbidden. 1: something differs or failed."""
    top = argparse.ArgumentParser(prog="python -m imsgen.kernel_test_module.counts")
    top.add_argument("--root", type=Path, default=Path.cwd(), help="the repository (default: here)")
    try:
        return run(Place(top.parse_args().root.resolve()))
    except host.StageError as error:
        host.fail(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
