"""Drivers meet the models of their devices in User Mode Linux, on the reference kernel.

The devices are all examples, real ones (`tests/devices`), odd ones (`tests/layouts`) and random
ones, each with the driver that `imsgen skeleton` makes. All are built into one kernel, and each has
a boot of its own, in which it is the only device. What arrived goes beside the counts of `e2e`, as
rows with the parent `uml`. Faults are planted in copies of one device's glue, which are in the same
kernel: each has to be found, by the model or by a check, with the name of a slot.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.model import Device, PciId
from imsgen.generator.commands import skeleton
from imsgen.generator.model import emit, kernel, machine
from imsgen.generator.model.checks import Trial
from imsgen.generator.model.guest import GuestError
from imsgen.generator.model.runtime import replay
from imsgen.generator.series import SeriesError

from . import e2e, fetch, host, layouts, stages, trees
from .report import Report
from .stages import Place

FAULTY = "crypto2"
"""The device in whose glue faults are planted."""

ODD = re.compile(r"odd(mem|bits|mask|box|bare|cmds|peer)")
"""Which of the odd devices run: one of each kind of store."""

EVENTS = 100_000
"""How many messages have to arrive in one run of the stage, at least."""

RETURNS = 100
"""How often one device is taken away and comes back."""

ENDED = 10.0
"""Seconds after which nothing of a guest may be there: what is killed takes a moment to go."""

BOOT, LITTLE = 120.0, 30.0
"""Seconds that a guest may take to come up, on a machine that does other things, too; and that one
may take which never will."""

PATCH = Path(__file__).resolve().parent / "uml" / "linux-6.12.patch"

LIMIT = 3600.0
"""Seconds that a run may take: the first one builds a kernel."""


@dataclass(frozen=True)
class Fault:
    """A fault in generated glue: a text is replaced by another, in one of its files."""

    name: str
    file: str
    old: str
    new: str
    rule: str
    """What finds it: a rule of the model, or a check."""


SLOTS, GLUE = "drivers/irqchip/irq-crypto2-ims.h", "drivers/irqchip/irq-crypto2.c"

_MASK = "\twritel(ctrl | CRYPTO2_IMS_CTRL_MASK, &slot->control);\n"
_RESET = "\twritel(CRYPTO2_IMS_CTRL_MASK, &slot->control);\n"
_UNMASK = "\twritel(ctrl, &slot->control);\n"
_FLUSH = "\t/* Push the write out of the posting buffers */\n\treadl(&slot->control);\n"
_LOW = "\twritel(msg->address_lo, &slot->address_lo);\n"
_HIGH = "\twritel(msg->address_hi, &slot->address_hi);\n"
_DATA = "\twritel(msg->data, &slot->data);\n"
_EMPTY = "\tcrypto2_ims_write(slot, &(const struct msi_msg) { });\n"

FAULTS = (
    Fault("an unmask that is not read back", SLOTS, _FLUSH, "", "read back"),
    Fault("no mask before a message is written", SLOTS, _MASK, _UNMASK, "unmasked"),
    Fault("a mask bit of the other polarity", SLOTS, _UNMASK, _MASK, "check"),
    Fault("a message without its low half", SLOTS, _LOW, "", "torn"),
    Fault("a message without its high half", SLOTS, _HIGH, "", "torn"),
    Fault("a message without its data", SLOTS, _DATA, "", "torn"),
    Fault("data of 16 bits", SLOTS, _DATA, _DATA.replace("writel", "writew"), "outside"),
    Fault(
        "data and address that are swapped",
        SLOTS,
        _LOW + _HIGH + _DATA,
        _LOW.replace("->address_lo,", "->data,")
        + _HIGH
        + _DATA.replace("msg->data", "msg->address_lo"),
        "address",
    ),
    Fault("a slot that is left open", SLOTS, _RESET + _EMPTY, "", "unmasked"),
    Fault(
        "a slot that is emptied while it is open",
        SLOTS,
        _RESET,
        _RESET.replace("CRYPTO2_IMS_CTRL_MASK", "0"),
        "unmasked",
    ),
    Fault("a table at another place", GLUE, ".offset = 0x1000", ".offset = 0x1010", "check"),
)


@dataclass(frozen=True)
class Wrong:
    """A driver that brings a guest down: a text of a skeleton is followed by another."""

    name: str
    old: str
    more: str
    says: str
    """What is said of it, in time."""


_MASTER = "\tpci_set_master(pdev);\n"
_LOOP = "\tfor (;;)\n\t\tcpu_relax();\n"

WRONG = (
    Wrong("panics", _MASTER, '\tpanic("out of luck");\n', "not syncing: out of luck"),
    Wrong("hangs", _MASTER, _LOOP, "it did not come up"),
    Wrong("never probes", _MASTER, "\treturn -ENODEV;\n", "no driver took the device"),
    Wrong("hangs in a handler", "\tpriv->fault_events++;\n", _LOOP, "no answer to"),
)


def rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Counts by stores, as `e2e` has them."""
    sums: dict[str, list[int]] = {}
    for message in found["messages"]:
        sent, handled = message["sent"], message["handled"]
        lost, wrong = sent - handled, message["wrong_cpu"]
        counts = [sent, handled, max(0, lost), max(0, -lost), wrong]
        old = sums.get(message["store"], [0] * len(counts))
        sums[message["store"]] = [a + b for a, b in zip(old, counts)]
    words = {"parent": found["parent"], "test": "model", "carrier": "model", "cpus": found["cpus"]}
    names = ("sent", "arrived", "lost", "duplicated", "wrong_cpu")
    return [
        {
            **words,
            "device": found["device"],
            "store": store,
            **dict(zip(names, counts)),
            "expected_lost": 0,
        }
        for store, counts in sums.items()
    ]


def planted(place: Place, fault: Fault, name: str = FAULTY) -> str:
    """A patch that plants a fault in the glue of a device that is FAULTY with another NAME."""
    path = place.root / "generated" / FAULTY / f"linux-{stages.REFERENCE}" / "src" / fault.file
    text = path.read_text()
    if text.count(fault.old) != 1:
        raise host.StageError(f"{fault.name}: {fault.file} has not what is to be changed, once")
    old, new = text.splitlines(keepends=True), text.replace(fault.old, fault.new)
    names = f"a/{fault.file}", f"b/{fault.file}"
    patch = "".join(difflib.unified_diff(old, new.splitlines(keepends=True), *names))
    return patch.replace(FAULTY, name).replace(FAULTY.upper(), name.upper())


def named(found: dict[str, Any], rule: str) -> str:
    """What has found a fault, with the name of a slot or a message; empty if nothing has."""
    for finding in found["findings"]:
        if finding["rule"] == rule:
            return f"{finding['name']}: {finding['text']}"
    if rule == "check":
        for check in found["checks"]:
            if not check["good"]:
                return str(check["text"])
    return ""


@dataclass(frozen=True)
class Subject:
    """A device that meets its driver, by a name of its own in this kernel."""

    device: Device
    fault: Fault | None = None
    wrong: Wrong | None = None
    returns: int = 0
    """How often it is taken away and comes back, and nothing else."""

    @property
    def name(self) -> str:
        """What results call it."""
        return f"{self.device.name} {self.returns} times" if self.returns else self.device.name


def sources(place: Place, only: str) -> Iterator[tuple[str, str]]:
    """Paths and texts of the layouts; random ones have one device each, named like its file."""
    for folder in ("examples", "tests/devices", "tests/layouts"):
        for path in sorted((place.root / folder).glob("*.ims")):
            yield str(path), path.read_text("utf-8")
    for seed in layouts.SEEDS:
        if re.search(only, f"random{seed}"):
            yield str(place.root / "examples" / f"random{seed}.ims"), layouts.random(place, seed)


def subjects(place: Place, only: str = "") -> list[Subject]:
    """The devices with the right names; behind all of them those that are WRONG, and FAULTS.

    Each has a name and a PCI ID of its own, so that one kernel can hold all their drivers. Raises
    `StageError`.
    """
    found: dict[str, Subject] = {}
    for path, text in sources(place, only):
        result = load(path, text.encode())
        if not result.ok:
            raise host.StageError(f"{path} is not valid\n{render(result.diagnostics)}")
        stem = Path(path).stem
        for device in result.devices:
            if "tests/layouts" in path and not ODD.fullmatch(device.name):
                continue
            if device.is_platform:
                continue  # models are PCI functions
            if machine.refusal(device, "uml"):
                continue  # one MSI message is too few for it
            name = stem if stem.startswith("random") else device.name
            if "tests/devices" in path:
                # The kernel has a driver with names of its own.
                name += "_real"
            if re.search(only, name):
                found[name] = Subject(alone(device, name, 0x1000 + len(found)))
    if not only:
        faulty = found[FAULTY]
        found["returns"] = replace(faulty, returns=RETURNS)
        for number, wrong in enumerate(WRONG, 1):
            device = alone(faulty.device, f"wrong{number:02}", 0x3000 + number)
            found[device.name] = Subject(device, wrong=wrong)
        for number, fault in enumerate(FAULTS, 1):
            # Its lines are as long as those of the device it is a copy of.
            device = alone(faulty.device, f"fault{number:02}", 0x2000 + number)
            found[device.name] = Subject(device, fault)
    return list(found.values())


def alone(device: Device, name: str, number: int) -> Device:
    """A device that no other one's driver takes."""
    own = PciId(0x1AF4, number, None, device.span)
    return replace(device, name=name, path=None, ids=(own,))


def driver(subject: Subject) -> kernel.Driver:
    """The driver that `imsgen skeleton` makes, maybe with what is wrong. Raises `StageError`."""
    text, wrong = skeleton.text_of(subject.device), subject.wrong
    if wrong is not None:
        if text.count(wrong.old) != 1:
            raise host.StageError(f"a driver that {wrong.name}: what it has else is not there")
        text = text.replace(wrong.old, wrong.old + wrong.more)
    return kernel.Driver(subject.device, text, subject.name)


def left(socket: str) -> list[str]:
    """Processes of a guest that are still there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if socket.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


def said_by(trial: Trial) -> dict[str, Any]:
    """What checks and rules have found so far."""
    return {
        "checks": [asdict(result) for result in trial.results],
        "findings": [asdict(finding) for finding in trial.device.findings],
    }


def meet(
    subject: Subject, image: Path, initrd: Path, on: str = "uml", program: str = ""
) -> dict[str, Any]:
    """What comes of a boot, as `imsgen run --json` says it, and what a replay did differently.

    PROGRAM is the QEMU for a parent ON which is not `uml`.
    """
    name = f"{subject.device.name}_model.py"
    made = emit.model_module("model", emit.text_of(subject.device), name)
    model, lines, wrong = made.Model(), [], []
    model.trace = lambda line: lines.append(json.dumps(line))
    with tempfile.TemporaryDirectory(prefix="imsgen-") as folder:
        server = machine.carrier(model, on, f"{folder}/device")
        server.start()
        guest = machine.boot(on, program, image, initrd, server.path, Path(folder), None)
        trial = Trial(model, guest)
        try:
            guest.wait(max(BOOT, guest.boot) if subject.wrong is None else LITTLE)
            trial.probed()
            if subject.returns:
                trial.gone(subject.returns)
                trial.rules()
            elif subject.fault is not None:
                rule = subject.fault.rule
                trial.all(lambda: bool(named(said_by(trial), rule)))
            else:
                trial.all()
            messages = [asdict(row) for row in trial.rows()]
        except GuestError as error:
            wrong = [*str(error).splitlines(), *([server.broken] if server.broken else [])]
        finally:
            guest.stop()
            server.stop()
            end = time.monotonic() + ENDED
            while (pids := left(server.path)) and time.monotonic() < end:
                time.sleep(0.1)
    if pids:
        return {"error": [f"{' '.join(pids)} are left {ENDED:g} s after the end"]}
    if wrong:
        return {"error": wrong}
    return said_by(trial) | {
        "device": subject.device.name,
        "parent": on,
        "cpus": guest.cpus,
        "messages": messages,
        "accesses": len(lines),
        "different": replay(made.Model(), lines),
    }


def judge(found: dict[str, Any], subject: Subject, report: Report) -> None:
    """What is wrong with a boot, or found in it."""
    if subject.wrong is not None:
        said = found.get("error", ["nothing is wrong"])
        good = any(subject.wrong.says in line for line in said)
        report.check(f"a driver that {subject.wrong.name}", [] if good else said)
    elif "error" in found:
        report.check(f"model of {subject.name}", found["error"])
    elif subject.fault is None:
        for check in found["checks"]:
            faults = [] if check["good"] else [check["text"]]
            report.check(f"model of {subject.name}: {check['name']}", faults)
        report.check(f"model of {subject.name}: replayed", found["different"])
    else:
        said = named(found, subject.fault.rule)
        seen = [f"{f['rule']}: {f['name']}" for f in found["findings"]]
        report.check(f"model finds {subject.fault.name}", [] if said else ["not found", *seen])
        if said:
            host.say(f"    {said}")


def boot_all(place: Place, tree: Path, todo: Sequence[Subject]) -> Iterator[dict[str, Any]]:
    """Build one kernel with the drivers of all, boot it for each, and give what comes of that.

    Raises `StageError`.
    """
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="imsgen-") as folder:
        faults = "".join(planted(place, s.fault, s.device.name) for s in todo if s.fault)
        patches = [str(PATCH)]
        if faults:
            patches.append(f"{folder}/faults.patch")
            Path(patches[-1]).write_text(faults)
        drivers = [driver(s) for s in todo if not s.returns]
        work = kernel.work_of(str(tree))
        try:
            with kernel.locked(work), ProcessPoolExecutor(os.cpu_count()) as pool:
                image = kernel.build_all(work, drivers, patches)
                initrd = kernel.start_program(work)
                host.say(f"{len(drivers)} drivers built in {time.monotonic() - begin:.0f} s")
                count = len(todo)
                yield from pool.map(meet, todo, [image] * count, [initrd] * count)
        except (kernel.BuildError, SeriesError) as error:
            raise host.StageError(str(error)) from error
        finally:
            host.say(f"{len(todo)} boots ended after {time.monotonic() - begin:.0f} s")


def devices(place: Place, tree: Path, report: Report, only: str = "") -> None:
    """Each device on its model; rows for `e2e.json`. Raises `StageError`."""
    todo = subjects(place, only)
    seeds = f"{layouts.SEEDS[0]} to {layouts.SEEDS[-1]}"
    host.say(f"random layouts of the seeds {seeds} are among them")
    good = []
    for subject, found in zip(todo, boot_all(place, tree, todo), strict=True):
        judge(found, subject, report)
        if not (subject.fault or subject.wrong or "error" in found):
            good.append(found)
    host.say(f"{sum(found['accesses'] for found in good)} lines of traces replayed")
    kept: list[dict[str, Any]] = []
    file = place.results / "e2e.json"
    if file.exists():
        kept = [row for row in json.loads(file.read_text()) if row["parent"] != "uml"]
    own = [row for found in good for row in rows(found)]
    arrived = sum(row["arrived"] for row in own)
    if not only:
        few = [] if arrived >= EVENTS else [f"{arrived} have"]
        report.check(f"{EVENTS} messages and more arrive", few)
    host.say(f"{arrived} messages of {len(good)} devices arrived")
    e2e.save(place, kept + own)


def page(
    place: Place,
    tree: Path,
    report: Report,
    kind: str = "kernel",
    more: Sequence[tuple[str, Path]] = (),
) -> None:
    """The commands of docs/run.md in blocks of KIND print what it says, with MORE files."""
    text = (place.root / "docs" / "run.md").read_text()
    with tempfile.TemporaryDirectory() as folder:
        for name, target in (
            ("linux", tree),
            ("examples", place.root / "examples"),
            ("uml.patch", PATCH),
            *more,
        ):
            Path(folder, name).symlink_to(target)
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        kinds = kind
        if kind == "kernel" and shutil.which("gdb"):
            kinds += "|gdb"
        elif kind == "kernel":
            report.skip("docs/run.md: --gdb", "there is no gdb; it is in the Debian package gdb")
        for block in re.findall(rf"(?ms)^```(?:{kinds})\n(.*?)^```$", text):
            for command, wanted in re.findall(r"(?m)^\$ (.*)\n((?:(?!\$ ).*\n)*)", block):
                done = subprocess.run(
                    ["sh", "-c", command],
                    cwd=folder,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=LIMIT,
                )
                same = _timeless(done.stdout) == _timeless(wanted)
                said = [] if same else (done.stdout + done.stderr).splitlines()
                report.check(f"docs/run.md: {command}", said)


def _timeless(text: str) -> str:
    """What a run prints, without what differs from one to the next."""
    return re.sub(r"(built|probed|under) \d[\d.]*", r"\1 N", text)


def run(place: Place, report: Report, only: str = "") -> None:
    """All of it; ONLY is a regular expression that picks devices by name, and leaves the rest."""
    tree = stages.for_kernel(place, stages.REFERENCE)
    with fetch.locked(tree.home):
        trees.reset(tree.apply, trees.base_of(tree))
        devices(place, tree.apply, report, only)
        if not only:
            page(place, tree.apply, report)
