"""Boot a kernel in QEMU, with a model as one of its PCI devices."""

from __future__ import annotations

import re
import shutil
import subprocess

#: QEMU, as it is called where it is installed.
PROGRAM = "qemu-system-x86_64"

#: The first version that has ``vfio-user-pci``.
LEAST = (10, 1)


class MachineError(Exception):
    """There is no QEMU that can be used; the text says why, and what to do."""


def check(program: str) -> str:
    """The path of a QEMU that is new enough.  Raises :class:`MachineError`."""
    needs = f"QEMU {LEAST[0]}.{LEAST[1]} or later is needed; give one with --qemu"
    path = shutil.which(program)
    if path is None:
        raise MachineError(f"there is no {program}: {needs}")
    try:
        done = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{path} can't be started ({error}): {needs}") from error
    found = re.search(rb"version (\d+)\.(\d+)", done.stdout)
    if not found:
        raise MachineError(f"{path} is no QEMU: {needs}")
    if (int(found[1]), int(found[2])) < LEAST:
        version = found[0].decode().removeprefix("version ")
        raise MachineError(f"{path} is version {version}: {needs}")
    return path
