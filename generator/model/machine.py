"""Boot a kernel in QEMU, with a model as one of its PCI devices."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from imsgen.dsl.model import Device

from ..kinds import kinds_of
from ..kinds.msi import Msi
from . import kernel, qemu, runtime, uml
from .carrier import Carrier
from .guest import Guest

#: QEMU, as it is called where it is installed.
PROGRAM = "qemu-system-x86_64"

#: MiB of memory that a guest has.
MEMORY = 256

#: What there may be between the device and the CPUs: the devices that QEMU needs for it.
PARENTS = {
    "bare": (),
    # Without translation, so that no caching mode is needed: message stores are refused with that.
    "intel": ("intel-iommu,intremap=on,dma-translation=off",),
}

#: Those of them that give MSI more than one message, which needs a table of them.
SEVERAL = ("intel",)

#: The first version that has ``vfio-user-pci``.
LEAST = (10, 1)


class MachineError(Exception):
    """There is no QEMU that can be used; the text says why, and what to do."""


def refusal(device: Device, on: str) -> str:
    """Why no driver gets there what a device needs, and what to do; empty if it does."""
    if on == "bare" and device.remapping:
        return (
            f"{device.name} requires interrupt remapping, and there is none on bare; take "
            "--on intel, or have its layout say 'remapping optional;'"
        )
    for kind in kinds_of(device):
        if isinstance(kind, Msi) and kind.least > 1 and on not in SEVERAL:
            return (
                f"{device.name} can't do without {kind.least} MSI messages, and there is one on "
                f"{on}; take --on intel"
            )
    return ""


def version(program: str) -> tuple[int, int]:
    """Major and minor version of a QEMU.  Raises :class:`MachineError` when there is none."""
    path = shutil.which(program)
    if path is None:
        raise MachineError(f"there is no {program}")
    try:
        done = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{path} can't be started ({error})") from error
    found = re.search(rb"version (\d+)\.(\d+)", done.stdout)
    if not found:
        raise MachineError(f"{path} is no QEMU")
    return int(found[1]), int(found[2])


def check(program: str) -> str:
    """The path of a QEMU that is new enough.  Raises :class:`MachineError`."""
    needs = f"QEMU {LEAST[0]}.{LEAST[1]} or later is needed; give one with --qemu"
    try:
        found = version(program)
    except MachineError as error:
        raise MachineError(f"{error}: {needs}") from error
    path = shutil.which(program) or program
    if found < LEAST:
        raise MachineError(f"{path} is version {found[0]}.{found[1]}: {needs}")
    return path


class Machine(Guest):
    """A running machine of 4 CPUs, emulated in software: KVM may be there and not work."""

    address = "0000:00:10.0"
    cpus = 4
    boot = 180.0
    numbered = False

    def __init__(
        self, image: Path, initrd: Path, socket: str, home: Path, program: str, parent: str
    ) -> None:
        self._program, self._parent = program, parent
        super().__init__(image, initrd, socket, home)

    def command(
        self, image: Path, initrd: Path, socket: str, terminal_in: int, terminal_out: int
    ) -> list[str]:
        """What starts it."""
        device = {
            "driver": "vfio-user-pci",
            "addr": "0x10",
            # A busy machine answers late, in milliseconds.
            "x-msg-timeout": 600000,
            "socket": {"type": "unix", "path": socket},
        }
        ends = f"path=/dev/fd/{terminal_out},input-path=/dev/fd/{terminal_in}"
        # In an option of QEMU a comma is two.
        log = str(self.log).replace(",", ",,")
        more = [word for name in PARENTS[self._parent] for word in ("-device", name)]
        return [
            *(self._program, "-accel", "tcg", "-M", "q35,kernel-irqchip=off,memory-backend=ram"),
            # Message stores on the bare vector domain are for what looks like a physical machine.
            *("-cpu", "max,-hypervisor", "-smp", str(self.cpus), "-m", f"{MEMORY}M"),
            *("-object", f"memory-backend-memfd,id=ram,size={MEMORY}M,share=on"),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-chardev", f"file,id=console,path={log},append=on", "-serial", "chardev:console"),
            *("-chardev", f"file,id=program,{ends}", "-serial", "chardev:program"),
            *more,
            *("-device", json.dumps(device), "-kernel", str(image), "-initrd", str(initrd)),
            # An emulated timer doesn't tick as often as is checked at boot.
            *("-append", "console=ttyS0 panic=-1 no_timer_check"),
        ]


def kind_of(on: str) -> kernel.Kind:
    """The kernel for a parent, of :data:`PARENTS` or ``uml``."""
    return kernel.X86 if on in PARENTS else kernel.UML


def carrier(device: runtime.Device, on: str, path: str) -> Carrier:
    """What brings a model to a guest there, by a socket at ``path``."""
    return (qemu.Server if on in PARENTS else uml.Server)(device, path)


def boot(
    on: str, program: str, image: Path, initrd: Path, path: str, home: Path, debug: str | None
) -> Guest:
    """Start a guest there; ``program`` is the QEMU for it."""
    if on in PARENTS:
        return Machine(image, initrd, path, home, program, on)
    return Guest(image, initrd, path, home, debug)
