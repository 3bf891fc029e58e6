"""Messages in the registers of a platform device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imsgen.dsl.model import Device, RegistersStore, SlotLayout

from ..views.parts import Line, listed, sized
from .base import Param
from .fake import BASE, Fake, Place
from .linked import InCode, Part, slot_parts, table_parts
from .mmio import RegisterKind
from .platform import Platform


@dataclass(frozen=True)
class RegistersView:
    """What the templates of messages in registers see."""

    #: Offset and number of slots of each table.
    tables: tuple[Line, ...]
    #: The bits that the device keeps of an address; empty for all.
    address_bits: str
    #: Whether all messages have one address, and their index as data.
    one_address: bool


class Registers(Platform, RegisterKind):
    """Messages in the registers of the device."""

    functions = "device/slots-platform.h.j2"
    touches = "device/platform-registers.c.j2"
    handle = Line("base", "", "void __iomem *base")

    def __init__(self, device: Device, store: RegistersStore) -> None:
        super().__init__(device, store)
        self.store = store

    @property
    def layout(self) -> SlotLayout:
        return self._layout

    @property
    def params(self) -> tuple[Param, ...]:
        out = [Param("regs", "void __iomem *", "The registers of the device, mapped")]
        if self.store.offset.runtime:
            what = f"Offset of the {self.name} store in them in bytes"
            out.append(Param(f"{self.name}_offset", "u32", what))
        return (*out, *super().params)

    def setup(self, given: str) -> tuple[str, ...]:
        store, base = self.store, f"{given}regs"
        if store.offset.runtime:
            base += f" + {given}{self.name}_offset"
        elif not store.tables and store.offset.value:
            base += f" + {store.offset.value:#x}"
        return self.setup_with(given, base)

    @property
    def words(self) -> str:
        store = self.store
        where = " at an offset given by the driver"
        if store.tables:
            where = ": " + listed([f"{t.slots} at {t.offset:#x}" for t in store.tables])
        elif store.offset.value is not None:
            where = f" at {store.offset.value:#x}"
        if store.layout.data is None:
            return f"{sized(store.slots, 'message')} to one address in the registers{where}"
        mask = "" if self.masks else ", without mask bits"
        return f"{sized(store.slots)} of {store.layout.stride} bytes in the registers{where}{mask}"

    @property
    def areas(self) -> dict[str, int]:
        """How far it reaches into the registers, in bytes."""
        store = self.store
        if store.tables:
            return {"regs": max(t.offset + t.slots * self.layout.stride for t in store.tables)}
        at = BASE if store.offset.value is None else store.offset.value
        return {"regs": at + self.fake_table}

    def fake(self, place: Place) -> Fake:
        """What its KUnit suite is told."""
        store, base, asks = self.store, place.mapped["regs"], self.store.offset.runtime
        at = BASE if store.offset.value is None else store.offset.value
        tables = tuple((base + t.offset, t.slots) for t in store.tables)
        return Fake(
            kind="",
            assigned=((f"{self.name}_offset", f"asked->offset[{self.number}]"),) if asks else (),
            offset=at if asks else None,
            tables=tables or ((base + at, self.fake_size),),
        )

    @property
    def parts(self) -> Iterator[Part]:
        start, name = rf"^static int {self.fn}_init\(", self.name
        yield Part(name, self.span, (InCode(start),))
        yield Part(f"{name}.slots", self.size.span, (InCode(start, r"nr > "), InCode(start)))
        init = rf"^int {self.device.name}_irqs_init\("
        yield from table_parts(self.store, self.fn, init, f"{name}_init")
        yield from slot_parts(name, self.fn, self.layout)

    @property
    def own(self) -> RegistersView:
        mask = self.layout.address_mask
        return RegistersView(
            tables=tuple(Line(f"{t.offset:#x}", "", str(t.slots)) for t in self.store.tables),
            address_bits=f"{mask:#x}ULL" if mask != (1 << 64) - 1 else "",
            one_address=self.layout.data is None,
        )
