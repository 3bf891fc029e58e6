"""Boot a kernel under User Mode Linux or QEMU and collect what it prints."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from imsgen.generator.model.machine import MachineError, version

from . import host


@dataclass(frozen=True)
class Machine:
    """What a kernel boots on. The defaults are a q35 machine with 4 CPUs."""

    emulator: str = "qemu-system-x86_64"
    cpus: int = 4
    memory: int = 512
    """MiB"""
    nodes: int = 1
    """NUMA nodes, each with its share of CPUs and memory; QEMU only"""
    cpu: str = "max"
    machine: str = "q35"
    devices: tuple[str, ...] = ()
    """QEMU -device arguments"""
    options: tuple[str, ...] = ()
    """More QEMU arguments, as -icount"""
    ports: int = 0
    """Ports of a rocker switch; without any, there is none"""
    console: str = "ttyS0"
    append: tuple[str, ...] = ()
    """More words for the kernel's command line"""
    limit: float = 600.0
    """Seconds of wall time"""


UML = Machine(cpus=1, memory=256, machine="uml", limit=240.0)
Q35 = Machine()
BARE = Machine(cpu="max,-hypervisor")
"""The arch code offers IMS on the bare vector domain to physical machines only."""
NODES = replace(BARE, nodes=2, append=("isolcpus=managed_irq,3",))
"""Two nodes, and a CPU that no interrupt goes to unless a driver names it."""
VTD = Machine(
    machine="q35,kernel-irqchip=off",
    devices=("intel-iommu,intremap=on",),
    append=("intel_iommu=on",),
)
ITS = Machine(
    emulator="qemu-system-aarch64",
    machine="virt,gic-version=3,its=on",
    cpu="cortex-a72",
    console="ttyAMA0",
)
"""arm64: messages arrive through the interrupt translation service of a GICv3."""
IMSIC = Machine(
    emulator="qemu-system-riscv64",
    machine="virt,aia=aplic-imsic",
    cpu="rv64",
    append=("riscv_isa_fallback",),
)
"""RISC-V: each CPU has an incoming MSI controller. QEMU before 8 has an old device tree."""
AMD = Machine(
    cpu="EPYC",
    machine="q35,kernel-irqchip=off",
    devices=("amd-iommu,intremap=on", "virtio-blk-pci,drive=null,addr=0x14,class=0x0601"),
    options=("-blockdev", "driver=null-co,node-name=null"),
)
"""QEMU says that the I/O APIC is 00:14.0. Linux 7 remaps interrupts only if there is an ISA bridge,
or what looks like one."""


@dataclass(frozen=True)
class Booted:
    """A boot that came to its end, or didn't."""

    log: str
    seconds: float
    fault: str
    """Empty, or why the end wasn't a regular one: time limit, panic, exit code."""


LISTS = (8, 2)
"""The first QEMU where a property can be a list. Before, its length was a property of its own."""

KUNIT_ARGS = ("kunit.enable=1", "kunit.autorun=1")
"""Newer kernels can be built so that suites don't run at boot, and allnoconfig does."""


def uml_command(image: Path, machine: Machine, kunit: Sequence[str]) -> list[str | Path]:
    """The command that boots a UML kernel."""
    words = ["stderr=1", "kunit_shutdown=halt", "panic=-1"]
    return [image, f"mem={machine.memory}M", *words, *KUNIT_ARGS, *kunit, *machine.append]


def qemu_command(image: Path, machine: Machine, kunit: Sequence[str]) -> list[str | Path]:
    """The command that boots a kernel in QEMU's software emulation."""
    words = [f"console={machine.console}", "panic=-1", "kunit_shutdown=reboot"]
    # On a busy host the emulated timer does not tick as often as x86 checks at boot.
    words += ["no_timer_check", *KUNIT_ARGS, *kunit]
    command: list[str | Path] = [machine.emulator, "-accel", "tcg", "-M", machine.machine]
    # CPUs of one socket are never in two nodes.
    smp = f"{machine.cpus},sockets={machine.nodes}"
    command += ["-cpu", machine.cpu, "-smp", smp, "-m", str(machine.memory)]
    command += ["-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"]
    command += numa(machine)
    for device in machine.devices:
        command += ["-device", device]
    command += [*switch(machine), *machine.options, "-kernel", image]
    return [*command, "-append", " ".join([*words, *machine.append])]


def switch(machine: Machine) -> list[str]:
    """QEMU's arguments for the switch of MACHINE. Raises `StageError` where there is no QEMU."""
    names = [f"p{number}" for number in range(machine.ports)]
    if not names:
        return []
    words = [word for name in names for word in ("-netdev", f"hubport,id={name},hubid=0")]
    try:
        lists = version(machine.emulator) >= LISTS
    except MachineError as error:
        raise host.StageError(str(error)) from None
    if lists:
        device = {"driver": "rocker", "name": "switch", "ports": names}
        return [*words, "-device", json.dumps(device)]
    # The length has to be first, and -device sets properties in any order.
    ports = ",".join(f"ports[{number}]={name}" for number, name in enumerate(names))
    length = ("-global", f"rocker.len-ports={machine.ports}")
    return [*words, *length, "-device", f"rocker,name=switch,{ports}"]


def numa(machine: Machine) -> list[str]:
    """QEMU's arguments for the nodes of MACHINE; none for a machine of one."""
    words: list[str] = []
    cpus, memory = machine.cpus // machine.nodes, machine.memory // machine.nodes
    for node in range(machine.nodes if machine.nodes > 1 else 0):
        words += ["-object", f"memory-backend-ram,id=mem{node},size={memory}M"]
        first = node * cpus
        words += ["-numa", f"node,memdev=mem{node},cpus={first}-{first + cpus - 1}"]
    return words


def boot_command(image: Path, machine: Machine, kunit: Sequence[str] = ()) -> list[str | Path]:
    """The command that boots IMAGE on MACHINE; KUNIT are kernel arguments as kunit.filter_glob=."""
    make = uml_command if machine.machine == "uml" else qemu_command
    return make(image, machine, kunit)


def fault_of(log: str, code: int | None, limit: float) -> str:
    """Why a boot isn't a regular one; empty if it is. CODE None: killed at LIMIT seconds."""
    for line in log.splitlines():
        if "Kernel panic - not syncing" in line:
            return line.strip()
    if code is None:
        return f"no end within {limit:g} s"
    if "reboot: " not in log:
        return f"ended with {code} before the tests were over"
    return "" if code == 0 else f"exit code {code}"


def boot(
    label: str,
    image: Path,
    machine: Machine,
    log: Path,
    kunit: Sequence[str] = (),
    enough: str = "",
) -> Booted:
    """Boot IMAGE, its console into LOG. A line of progress every `host.TICK` seconds.

    It is not waited for what comes behind a line that matches the regular expression ENOUGH.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    command = boot_command(image, machine, kunit)
    if machine.machine != "uml" and not shutil.which(str(command[0])):
        raise host.StageError(f"{label}: there is no {command[0]}; run the setup stage")
    # UML keeps its memory in a file below /dev/shm, which is tiny in some containers.
    roomy = shutil.disk_usage("/dev/shm").free if Path("/dev/shm").is_dir() else 0
    env = host.plain_env()
    if machine.machine == "uml" and roomy < machine.memory << 20:
        env["TMPDIR"] = str(log.parent.resolve())
    begin = time.monotonic()
    code: int | None
    try:
        limit = machine.limit
        code = host.follow(f"{label} boot", command, log, env=env, limit=limit, enough=enough)
    except host.StageError:
        code = None
    text = log.read_text(errors="replace").replace("\r", "")
    log.write_text(text)
    return Booted(text, time.monotonic() - begin, fault_of(text, code, machine.limit))
