"""Tables of slots in a BAR."""

from __future__ import annotations

from imsgen.dsl.model import BitArray, Device, Endian, IomemStore, Store

from ..views.parts import Line
from ..views.stores import Control
from .base import Param
from .slots import SlotKind, accessor


class Iomem(SlotKind):
    """One table or several, each slot written by MMIO."""

    space = "__iomem "
    where = "iobase"
    functions = "device/slots-iomem.h.j2"

    def __init__(self, device: Device, store: IomemStore) -> None:
        super().__init__(device, store)
        self.store = store

    @classmethod
    def of(cls, device: Device, store: Store) -> Iomem | None:
        return cls(device, store) if isinstance(store, IomemStore) else None

    @property
    def bits(self) -> BitArray | None:
        return self.store.mask_bits

    @property
    def params(self) -> tuple[Param, ...]:
        store = self.store
        bars = [store.bar, *(bits.bar for bits in (store.mask_bits, store.pending) if bits)]
        out = [
            Param(f"bar{bar}", "void __iomem *", f"Mapping of BAR {bar}")
            for bar in dict.fromkeys(bars)
        ]
        if store.offset.runtime:
            what = f"Offset of the {self.name} store in BAR {store.bar} in bytes"
            out.append(Param(f"{self.name}_offset", "u32", what))
        return (*out, *super().params)

    def given(self, given: str) -> tuple[tuple[str, str], ...]:
        store = self.store
        offset = (
            f"{given}{self.name}_offset" if store.offset.runtime else f"{store.offset.value:#x}"
        )
        split = bool(store.tables) or store.offset.value == 0
        return (
            ("bar", f"{given}bar{store.bar}"),
            *(() if split else (("offset", offset),)),
            *((("mask_bar", f"{given}bar{store.mask_bits.bar}"),) if store.mask_bits else ()),
            *((("pending_bar", f"{given}bar{store.pending.bar}"),) if store.pending else ()),
        )

    @property
    def align(self) -> int:
        control = (self.layout.control.register,) if self.layout.control else ()
        widths: list[int] = [register.width for register in (*self.registers, *control)]
        return max(widths) // 8

    @property
    def tables(self) -> tuple[Line, ...]:
        return tuple(
            Line(f"{table.offset:#x}", "", str(table.slots)) for table in self.store.tables
        )

    @property
    def place(self) -> tuple[tuple[str, str], ...]:
        store, tables = self.store, f"{self.fn}_tables"
        return (
            *((("bar", str(store.bar)),) if store.bar else ()),
            *((("tables", tables), ("nr_tables", f"ARRAY_SIZE({tables})")) if store.tables else ()),
            *((("mask_bits", self._bits(store.mask_bits)),) if store.mask_bits else ()),
            *((("pending", self._bits(store.pending)),) if store.pending else ()),
        )

    def _bits(self, bits: BitArray) -> str:
        parts = [f".bar = {bits.bar}", f".offset = {bits.offset:#x}", ".present = true"]
        parts += [".active_low = true"] if bits.active_low else []
        parts += [".big_endian = true"] if self.layout.endian is Endian.BIG else []
        return f"{{ {', '.join(parts)} }}"

    @property
    def slot_members(self) -> list[tuple[str, int, int]]:
        control = (self.layout.control.register,) if self.layout.control else ()
        return [(r.name, r.offset, r.width // 8) for r in (*self.registers, *control)]

    @property
    def slot_includes(self) -> tuple[str, ...]:
        names = ["bits.h", "build_bug.h", "io.h", "msi.h"]
        return tuple(f"linux/{name}" for name in names if name != "bits.h" or self.layout.control)

    @property
    def control(self) -> Control | None:
        control, mask = self.layout.control, f"{self.CTRL}_MASK"
        if not control:
            return None
        low = bool(control.mask and control.mask.active_low)
        return Control(
            name=control.register.name,
            write=accessor("write", control.register.width, self.layout.endian),
            read=accessor("read", control.register.width, self.layout.endian),
            masked=f"ctrl & ~{mask}" if low else f"ctrl | {mask}",
            unmasked="ctrl",
            reset="0" if low else mask,
        )
