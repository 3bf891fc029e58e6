"""Every name that is made for a device: of C, of Kconfig, of files in the kernel tree.

Nothing else in the project puts such a name together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imsgen.dsl.model import Device

#: Where devices live which don't say otherwise.
IRQCHIP = "drivers/irqchip"

#: Column of ``+=`` in drivers/irqchip/Makefile.
_MAKEFILE_COLUMN = 40


class NameClash(Exception):
    """Two devices, or a device and something else, would have the same name."""


@dataclass(frozen=True)
class StoreNames:
    """Names of one store that has a header of its own: a table of slots."""

    name: str
    path: str
    file: str
    guard: str


@dataclass(frozen=True)
class Names:
    """All names of one device; paths are relative to the kernel tree."""

    prefix: str
    upper: str
    symbol: str
    kunit_symbol: str
    suite: str
    dir: str
    kconfig: str
    makefile: str
    glue: str
    object: str
    module: str
    header: str
    include: str
    #: The header where it is in the device's own folder; empty if it is not.
    local_header: str
    header_guard: str
    kunit: str
    kunit_object: str
    kunitconfig: str
    maintainers_title: str
    headers: tuple[StoreNames, ...]


def names_of(device: Device) -> Names:
    """The names of ``device``.  Pure: they depend on the device alone."""
    f = device.name
    dash = f.replace("_", "-")
    folder = device.path.rstrip("/") if device.path else IRQCHIP
    suite = f"{f}_irqs"
    # The driver of a platform device is in the folder that the layout names.
    own = f"irq-{dash}.h" if device.is_platform and device.path else ""
    return Names(
        prefix=f,
        upper=f.upper(),
        symbol=f"{f}_irqs".upper(),
        kunit_symbol=f"{f}_irqs_kunit_test".upper(),
        suite=suite,
        dir=folder,
        kconfig=f"{folder}/Kconfig",
        makefile=f"{folder}/Makefile",
        glue=f"{folder}/irq-{dash}.c",
        object=f"irq-{dash}.o",
        module=f"irq-{dash}",
        header=f"{folder}/{own}" if own else f"include/linux/irqchip/irq-{dash}.h",
        include=f'"{own}"' if own else f"<linux/irqchip/irq-{dash}.h>",
        local_header=own,
        header_guard=f"_LINUX_IRQCHIP_IRQ_{f}_H".upper(),
        kunit=f"{folder}/tests/{suite}_kunit.c",
        kunit_object=f"tests/{suite}_kunit.o",
        kunitconfig=f"{folder}/tests/{suite}.kunitconfig",
        maintainers_title=_maintainers_title(device),
        headers=tuple(
            StoreNames(
                name=store.name,
                path=f"{folder}/{_store_file(dash, store.name)}",
                file=_store_file(dash, store.name),
                guard=f"_IRQ_{f}_{store.name}_H".upper(),
            )
            for store in device.slot_stores
        ),
    )


def _store_file(dash: str, store: str) -> str:
    return f"irq-{dash}-{store.replace('_', '-')}.h"


def _maintainers_title(device: Device) -> str:
    """The section's title: by the name, which is unique, and the title, which says what it is."""
    title = f"INTERRUPT MESSAGE STORE, {device.name}"
    if device.title:
        title += f" ({device.title})"
    return title.upper()


def makefile_line(symbol: str, target: str) -> str:
    """The line that builds ``target`` (an object) when ``symbol`` is set."""
    return makefile_entry(f"obj-$(CONFIG_{symbol})", target)


def makefile_entry(start: str, target: str) -> str:
    """A line of a Makefile that adds ``target`` to the list ``start``."""
    return start + "\t" * max(1, -(-(_MAKEFILE_COLUMN - len(start)) // 8)) + f"+= {target}"


def check_distinct(devices: Iterable[Device]) -> None:
    """Raise :class:`NameClash` if two of the devices would share a name or a file."""
    seen: dict[str, Device] = {}
    for device in devices:
        names = names_of(device)
        for made in (names.symbol, names.kunit_symbol, names.glue, names.header):
            other = seen.setdefault(made, device)
            if other is not device:
                raise NameClash(
                    f"{_place(device)}: the devices {other.name} ({_place(other)}) and "
                    f"{device.name} would both have {made}"
                )


def _place(device: Device) -> str:
    return f"{device.span.source.name}:{device.span.line}"
