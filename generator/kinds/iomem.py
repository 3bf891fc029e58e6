"""Tables of slots in a BAR."""

from __future__ import annotations

from collections.abc import Iterator

from imsgen.dsl.kinds import bar_of
from imsgen.dsl.model import BitArray, Device, Endian, IomemStore

from ..views.parts import Line, listed, sized
from .base import Param
from .fake import BASE, Fake, Place
from .ims import Ims
from .linked import InCode, Part, table_parts
from .made import OFFSET, bit_array, slot
from .mmio import BarKind


class Iomem(BarKind, Ims):
    """One table or several, each slot written by MMIO."""

    where = "iobase"
    functions = "device/slots-iomem.h.j2"

    def __init__(self, device: Device, store: IomemStore) -> None:
        super().__init__(device, store)
        self.store = store
        self.arrays = tuple(bits for bits in (store.mask_bits, store.pending) if bits)
        self.other_bars = tuple(bits.bar for bits in self.arrays)

    @property
    def bits(self) -> BitArray | None:
        return self.store.mask_bits

    @property
    def params(self) -> tuple[Param, ...]:
        store = self.store
        out = [*self.bar_params()]
        if store.offset.runtime:
            bar = "its BAR" if store.bar is None else f"BAR {store.bar}"
            what = f"Offset of the {self.name} store in {bar} in bytes"
            out.append(Param(f"{self.name}_offset", "u32", what))
        return (*out, *super().params)

    def given(self, given: str) -> tuple[tuple[str, str], ...]:
        store = self.store
        offset = (
            f"{given}{self.name}_offset" if store.offset.runtime else f"{store.offset.value:#x}"
        )
        split = bool(store.tables) or store.offset.value == 0
        return (
            *self.bar_given(given),
            *(() if split else (("offset", offset),)),
            *((("mask_bar", f"{given}bar{store.mask_bits.bar}"),) if store.mask_bits else ()),
            *((("pending_bar", f"{given}bar{store.pending.bar}"),) if store.pending else ()),
        )

    @property
    def tables(self) -> tuple[Line, ...]:
        return tuple(
            Line(f"{table.offset:#x}", "", str(table.slots)) for table in self.store.tables
        )

    @property
    def place(self) -> tuple[tuple[str, str], ...]:
        store, tables = self.store, f"{self.fn}_tables"
        return (
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
    def words(self) -> str:
        store = self.store
        if store.tables:
            where = ": " + listed([f"{t.slots} at {t.offset:#x}" for t in store.tables])
        elif store.offset.runtime:
            where = " at an offset given by the driver"
        else:
            where = f" at {store.offset.value:#x}"
        for what, bits in (("mask", store.mask_bits), ("pending", store.pending)):
            if what == "mask" and not self.masks:
                where += ", without mask bits"
            if bits:
                where += f", {what} bits in BAR {bits.bar} at {bits.offset:#x}"
        return f"{sized(store.slots)} of {store.layout.stride} bytes in {bar_of(store)}{where}"

    @property
    def asks(self) -> bool:
        return self.store.offset.runtime

    @property
    def areas(self) -> dict[str, int]:
        store, stride = self.store, self.layout.stride
        end = 0 if store.offset.value is None else store.offset.value + self.fake_table
        if store.tables:
            end = max(t.offset + t.slots * stride for t in store.tables)
        ends = {self.mapping: end}
        for bits in self.arrays:
            name = self.mapping_of(bits.bar)
            end = bits.offset + -(-store.slots.maximum // 32) * 4
            ends[name] = max(ends.get(name, 0), end)
        return ends

    @property
    def loose(self) -> tuple[str | None, int]:
        return self.mapping, BASE + self.fake_table if self.asks else 0

    def fake(self, place: Place) -> Fake:
        store, base = self.store, place.mapped[self.mapping]
        at = place.loose + BASE if store.offset.value is None else base + store.offset.value
        lines = []
        for name, bits in (("mask_bits", store.mask_bits), ("pending", store.pending)):
            if bits:
                low = "true" if bits.active_low else "false"
                start = place.mapped[self.mapping_of(bits.bar)] + bits.offset
                lines.append((name, f"{{ true, {low}, {start:#x} }}"))
        asked = (f"{self.name}_offset", f"asked->offset[{self.number}]")
        tables = tuple((base + t.offset, t.slots) for t in store.tables)
        return Fake(
            kind="IMS_LAYOUT_BAR",
            assigned=(asked,) if self.asks else (),
            asks_bir=store.bar is None,
            offset=at - base if self.asks else None,
            tables=tables or ((at, self.fake_size),),
            layout=tuple(lines),
        )

    def _made_tables(self, count: int) -> list[tuple[int, int]]:
        """The tables of a made-up device with ``count`` slots: offsets and slots."""
        offset = self.store.offset.value
        start = OFFSET if offset is None else offset
        return [(table.offset, table.slots) for table in self.store.tables] or [(start, count)]

    @property
    def spans(self) -> tuple[tuple[int, int, int], ...]:
        stride, most = self.layout.stride, self.size.maximum
        bar, words = self.made_bar, -(-most // 32)
        return (
            *((bar, at, at + slots * stride) for at, slots in self._made_tables(most)),
            *((array.bar, array.offset, array.offset + 4 * words) for array in self.arrays),
        )

    @property
    def own_parts(self) -> Iterator[Part]:
        params = rf"^\tconst struct pci_ims_params {self.name}_params\b"
        yield from table_parts(self.store, self.fn, params, r"\.offset = ")
        for what, bits in (("mask_bits", self.store.mask_bits), ("pending", self.store.pending)):
            if bits:
                place = InCode(self.described, rf"\.{what}\b")
                yield Part(f"{self.name}.{what}", bits.span, (place,))

    def modelled(self, free_bar: int) -> tuple[str, ...]:
        tables = self._made_tables(self.made_slots)
        text = ", ".join(f"({offset:#x}, {slots})" for offset, slots in tables)
        return (
            "ims.Iomem(",
            f'    "{self.name}",',
            *slot(self.layout),
            f"    bar={self.made_bar},",
            f"    tables=({text},),",
            *bit_array("mask_bits", self.store.mask_bits),
            *bit_array("pending", self.store.pending),
            "),",
        )
