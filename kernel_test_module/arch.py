"""The architectures that kernels are built for: all that differs between them stands here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Arch:
    """One of them, by the name that make's ARCH= takes."""

    name: str
    label: str
    """What it is called in reports."""
    target: str
    """What make is to build."""
    image: str
    """What is booted, below the folder of objects."""
    fragments: tuple[str, ...]
    """Configuration fragments, in order; a later line wins."""
    cross: str = ""
    """What the compiler's name begins with; empty for this machine's own."""
    needs: tuple[tuple[str, str], ...] = ()
    """Commands that not every machine has, and the Debian packages that bring them."""

    def lacks(self) -> tuple[str, ...]:
        """The packages without which nothing can be built for it or booted here."""
        return tuple(package for command, package in self.needs if not shutil.which(command))


ARCHS = {
    arch.name: arch
    for arch in (
        Arch("um", "uml", "linux", "linux", ("base", "debug", "uml", "faults", "lean")),
        Arch(
            "x86_64",
            "qemu",
            "bzImage",
            "arch/x86/boot/bzImage",
            ("base", "debug", "x86_64", "numa", "lean"),
        ),
        Arch(
            "arm64",
            "arm64",
            "Image",
            "arch/arm64/boot/Image",
            ("base", "debug", "arm64", "lean"),
            cross="aarch64-linux-gnu-",
            needs=(
                ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
                ("qemu-system-aarch64", "qemu-system-arm"),
            ),
        ),
        Arch(
            "riscv",
            "riscv",
            "Image",
            "arch/riscv/boot/Image",
            ("base", "debug", "riscv", "lean"),
            cross="riscv64-linux-gnu-",
            needs=(
                ("riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu"),
                ("qemu-system-riscv64", "qemu-system-misc"),
            ),
        ),
    )
}
