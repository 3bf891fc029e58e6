"""Drivers meet the models of their devices: `imsgen run`, on the reference kernel.

The devices are examples and odd layouts, with the drivers that `imsgen skeleton` makes. What
arrived goes beside the counts of `e2e`, as rows with the parent `uml`. Then faults are planted in
the glue of one device, and each has to be found, by the model or by a check, with the name of a
slot.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import e2e, fetch, host, stages, trees
from .report import Report
from .stages import Place

DEVICES = (
    *("crypto2", "timer", "crypto1", "mbox", "idxd", "vfio", "rocker", "mlx5", "ntb", "nvme"),
    *("oddmem", "oddbits", "oddmask", "oddbox", "oddbare", "oddcmds", "oddpeer"),
)
"""What runs, in this order; the faults are those of the first."""

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


def layout(place: Place, name: str) -> list[str | Path]:
    """A device as `imsgen run` takes it: an example, or one of the odd stores."""
    example = place.example(name)
    odd = place.root / "tests" / "layouts" / "stores.ims"
    return [example] if example.exists() else [odd, "--device", name]


def imsgen_run(place: Place, tree: Path, name: str, *more: str | Path) -> dict[str, Any]:
    """What a run says of an example. Raises `StageError` where it says nothing."""
    words = ["run", *layout(place, name), "--tree", tree, "--patch", PATCH, "--check", "--json"]
    try:
        done = subprocess.run(
            [sys.executable, "-c", stages.IMSGEN, *map(str, [*words, *more])],
            cwd=place.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise host.StageError(f"no end within {LIMIT:g} s") from error
    if not done.stdout:
        raise host.StageError(host.tail(done.stderr))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Counts by stores, as `e2e` has them."""
    sums: dict[str, list[int]] = {}
    for message in found["messages"]:
        sent, handled = message["sent"], message["handled"]
        counts = [sent, handled, max(0, sent - handled), max(0, handled - sent)]
        old = sums.get(message["store"], [0] * 4)
        sums[message["store"]] = [a + b for a, b in zip(old, counts)]
    words = {"parent": "uml", "test": "model", "carrier": "model", "cpus": 1}
    names = ("sent", "arrived", "lost", "duplicated")
    return [
        {
            **words,
            "device": found["device"],
            "store": store,
            **dict(zip(names, counts)),
            "wrong_cpu": 0,
            "expected_lost": 0,
        }
        for store, counts in sums.items()
    ]


def planted(place: Place, fault: Fault) -> str:
    """A patch that plants a fault in the glue of the first device."""
    name = DEVICES[0]
    path = place.root / "generated" / name / f"linux-{stages.REFERENCE}" / "src" / fault.file
    text = path.read_text()
    if text.count(fault.old) != 1:
        raise host.StageError(f"{fault.name}: {fault.file} has not what is to be changed, once")
    old, new = text.splitlines(keepends=True), text.replace(fault.old, fault.new)
    names = f"a/{fault.file}", f"b/{fault.file}"
    return "".join(difflib.unified_diff(old, new.splitlines(keepends=True), *names))


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


def devices(place: Place, tree: Path, names: Sequence[str], report: Report) -> None:
    """Each example on its model; rows for `e2e.json`."""
    kept: list[dict[str, Any]] = []
    file = place.results / "e2e.json"
    if file.exists():
        kept = [row for row in json.loads(file.read_text()) if row["parent"] != "uml"]
    for name in names:
        try:
            found = imsgen_run(place, tree, name)
        except host.StageError as error:
            report.check(f"model of {name}", str(error).splitlines())
            continue
        for check in found["checks"]:
            faults = [] if check["good"] else [check["text"]]
            report.check(f"model of {name}: {check['name']}", faults)
        kept += rows(found)
    e2e.save(place, kept)


def faults(place: Place, tree: Path, report: Report) -> None:
    """Each planted fault is found."""
    for fault in FAULTS:
        with tempfile.NamedTemporaryFile("w", suffix=".patch") as file:
            try:
                file.write(planted(place, fault))
                file.flush()
                found = imsgen_run(place, tree, DEVICES[0], "--patch", file.name)
            except host.StageError as error:
                report.check(f"model finds {fault.name}", str(error).splitlines())
                continue
        said = named(found, fault.rule)
        seen = [f"{f['rule']}: {f['name']}" for f in found["findings"]]
        report.check(f"model finds {fault.name}", [] if said else ["not found", *seen])
        if said:
            host.say(f"    {said}")


def page(
    place: Place,
    tree: Path,
    report: Report,
    kind: str = "kernel",
    more: Sequence[tuple[str, Path]] = (),
) -> None:
    """The commands of docs/run.md in blocks of KIND print what it says; MORE are files they name."""
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
        for block in re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", text):
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
        names = [name for name in DEVICES if re.search(only, name)]
        devices(place, tree.apply, names, report)
        if not only:
            page(place, tree.apply, report)
            faults(place, tree.apply, report)
