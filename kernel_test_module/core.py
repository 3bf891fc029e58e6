"""A core of a booted kernel, read by the script that `imsgen drgn` makes.

The driver of rocker says who has which of its vectors, and waits. Then QEMU dumps the machine's
memory, and the script's table has to be what the driver said.
"""

from __future__ import annotations

import importlib.util
import json
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import boot, build, host, ktap, stages
from .report import Report
from .stages import Place

DEVICE = "rocker"
SAID = re.compile(r"core: (\{.*\})")
READY = "core: ready"

Row = tuple[str, str, int, int, str, str]
"""Vector, store, index, interrupt, CPUs, users: what a line of the table has."""


def said(log: str) -> list[Row]:
    """What the driver says of its vectors."""
    rows: list[Row] = []
    for line in log.splitlines():
        if found := SAID.search(line):
            one = json.loads(found[1])
            name = one["name"] if one["kind"] == "special" else f"{one['name']}[{one['entry']}]"
            users = f"{one['users']} users" if one["kind"] == "shared" else one["kind"]
            rows.append((name, one["store"], one["index"], one["irq"], str(one["cpu"]), users))
    return rows


def printed(table: str) -> list[Row]:
    """The lines of the script's table that are about vectors."""
    pattern = re.compile(r" +(\S+) +(\w+) +(\d+) +(\d+) +(\S+)  (\d+ users|dedicated|special)")
    found = [pattern.fullmatch(line) for line in table.splitlines()]
    return [(m[1], m[2], int(m[3]), int(m[4]), m[5], m[6]) for m in found if m]


def differences(driver: Iterable[Row], script: Iterable[Row]) -> list[str]:
    """What one of them has and the other has not."""
    ours, theirs = list(driver), list(script)
    lines = [f"the driver alone has {row}" for row in ours if row not in theirs]
    lines += [f"the script alone has {row}" for row in theirs if row not in ours]
    if not ours:
        lines.append("the driver said nothing")
    elif not lines and len(ours) != len(theirs):
        lines.append(f"{len(ours)} vectors of the driver, {len(theirs)} of the script")
    return lines


class Monitor:
    """QEMU's machine protocol over a Unix socket."""

    def __init__(self, path: Path, limit: float = 120.0) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(limit)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.lines.readline()
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments: Any) -> None:
        """Do one thing and wait for its end. Raises `StageError` when QEMU can't."""
        self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
        for line in self.lines:
            answer = json.loads(line)
            if "error" in answer:
                raise host.StageError(f"QEMU: {name}: {answer['error']['desc']}")
            if "return" in answer:
                return
        raise host.StageError(f"QEMU: {name}: no answer")

    def close(self) -> None:
        """QEMU ends."""
        self.command("quit")
        self.socket.close()


def dump(path: Path, log: Path, core: Path, over: threading.Event) -> bool:
    """Write CORE when the driver is ready; whether it was before the boot was OVER."""
    while not (log.exists() and READY in log.read_text(errors="replace")):
        if over.wait(0.2):
            return False
    monitor = Monitor(path)
    try:
        monitor.command("dump-guest-memory", paging=False, protocol=f"file:{core}")
    finally:
        monitor.close()
    return True


def held(place: Place, built: build.Build, machine: boot.Machine, core: Path, glob: str) -> str:
    """Boot, write CORE when the driver waits, end the machine; gives the log."""
    log = place.results / f"{built.label}.log"
    log.unlink(missing_ok=True)
    over = threading.Event()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        path = Path(folder) / "monitor"
        more = ("-qmp", f"unix:{path},server=on,wait=off", "-device", "vmcoreinfo")
        dumped = pool.submit(dump, path, log, core, over)
        try:
            options = (*machine.options, *more)
            booted = boot.boot(
                built.label,
                built.image,
                replace(machine, options=options),
                log,
                (f"kunit.filter_glob={glob}",),
            )
        finally:
            over.set()
        if not dumped.result():
            raise host.StageError(f"{built.label}: {booted.fault}\n{host.tail(booted.log)}")
    return booted.log


def table(place: Place, built: build.Build, core: Path) -> str:
    """What the script prints of CORE."""
    script = place.results / f"{DEVICE}-vectors.py"
    script.write_bytes(stages.generator(place, "drgn", place.example(DEVICE)))
    vmlinux = built.objects / "vmlinux"
    command = [sys.executable, "-m", "drgn", "-q", "--main-symbols"]
    return host.run([*command, "-c", core, "-s", vmlinux, script])


def run(place: Place, built: build.Build, machine: boot.Machine, glob: str, report: Report) -> None:
    """Compare the script's table with what the driver says."""
    name = f"{built.label} imsgen drgn"
    if not importlib.util.find_spec("drgn"):
        report.skip(name, "needs drgn: pip install drgn")
        return
    begin = time.monotonic()
    core = place.results / f"{built.label}.core"
    try:
        log = held(place, built, machine, core, glob)
        seen = table(place, built, core)
    finally:
        core.unlink(missing_ok=True)
    (place.results / f"{built.label}.txt").write_text(seen)
    report.check(f"{built.label} boot", [f"kernel log: {line}" for line in ktap.splats(log)])
    rows = said(log)
    if report.check(name, differences(rows, printed(seen))):
        host.say(f"  {built.label}: {len(rows)} vectors in {time.monotonic() - begin:.0f} s")
