"""What a device has that is made up for its layout: the one of a skeleton, and its model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from imsgen.dsl.model import BitArray, Endian, FieldUse, SlotLayout

from ..views.parts import Line

#: Offset of a store in its BAR where the driver passes it, in bytes.
OFFSET = 0x1000

#: Slots of a store where the driver passes their number.
SLOTS = 512

#: Messages of MSI and MSI-X beyond those that the layout names.
FEW = 8


@dataclass(frozen=True)
class Registers:
    """The registers by which the driver of a skeleton tells a device about a store."""

    bar: int
    #: What their names begin with.
    prefix: str
    #: Where they are, by their names: expressions in C.
    places: Mapping[str, str]
    #: Where the one is that enables the device.
    enable: str

    def at(self, name: str) -> int:
        """Where a register is, or the first of several, in bytes of the BAR."""
        match = re.search(r"0x[0-9a-f]+", self.places[self.prefix + name])
        assert match is not None
        return int(match[0], 16)


@dataclass(frozen=True)
class StoreCode:
    """What the driver of a skeleton does for a store; templates which are empty aren't included."""

    name: str
    fn: str
    FN: str
    #: Registers of 32 bits by which it tells the device, and one of 16 bytes for each slot.
    words: tuple[str, ...] = ()
    block: str = ""
    #: Of a command, the number of a cookie and its register.
    cookies: tuple[Line, ...] = ()
    #: Of a table in memory, the distance of two slots in bytes.
    stride: int = 0
    #: What the driver keeps of it, as members: type, name, text; and the headers that it needs.
    members: tuple[tuple[str, str, str], ...] = ()
    includes: frozenset[str] = frozenset()
    #: Templates: functions, and what is done when the device is started, and when it is found.
    functions: str = ""
    start: str = ""
    probe: str = ""


@dataclass(frozen=True)
class Told:
    """How a model hears where slots are, or what messages are to be: lines of Python."""

    setup: tuple[str, ...]
    methods: tuple[str, ...]


def slot(layout: SlotLayout) -> list[str]:
    """The argument of a model's store that says how its slots look."""
    control = layout.control
    registers = {
        "address_lo": layout.address_lo,
        "address_hi": layout.address_hi,
        "data": layout.data,
        "control": control.register if control else None,
    }
    out = [
        f"{name}=ims.Field({r.offset:#x}, {r.width // 8})," for name, r in registers.items() if r
    ]
    if control and control.mask:
        out.append(f"mask={control.mask.bit},")
        out += ["active_low=True,"] if control.mask.active_low else []
    if control and control.pending:
        out.append(f"pending={control.pending.shift},")
    kept = [f for f in control.fields if f.use is FieldUse.FIXED] if control else []
    if control and kept:
        bits = sum((1 << f.width) - 1 << f.shift for f in kept)
        out += [f"kept={bits:#x},", f"fixed={control.fixed:#x},"]
    if layout.registers:
        own = (f'"{r.name}": ims.Field({r.offset:#x}, {r.width // 8})' for r in layout.registers)
        out.append(f"own={{{', '.join(own)}}},")
    out += ["big_endian=True,"] if layout.endian is Endian.BIG else []
    return ["    ims.Slot(", f"        {layout.stride},", *(f"        {o}" for o in out), "    ),"]


def bit_array(name: str, array: BitArray | None) -> list[str]:
    """The argument of a model's store that says where an array of bits is, if there is one."""
    if not array:
        return []
    low = ", active_low=True" if array.active_low else ""
    return [f"    {name}=ims.Bits({array.bar}, {array.offset:#x}{low}),"]
