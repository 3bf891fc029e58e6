"""Tables of slots in memory that the device fetches from."""

from __future__ import annotations

from dataclasses import replace

from imsgen.dsl.model import Device, Endian, MemoryStore

from ..views.parts import sized
from ..views.stores import Control, Pair
from .base import Param
from .fake import BASE, Fake, Place
from .ims import Ims
from .made import Registers, StoreCode, Told, slot
from .slots import SlotKind, slot_type


class Memory(SlotKind, Ims):
    """Slots in which one store replaces address and data (rule 23)."""

    where = "ptr"
    functions = "device/slots-memory.h.j2"
    depends = ("64BIT",)
    align = 8

    def __init__(self, device: Device, store: MemoryStore) -> None:
        super().__init__(device, store)

    @property
    def params(self) -> tuple[Param, ...]:
        what = f"The {self.name} store: coherent memory, 8-byte aligned"
        return (Param(self.name, "void *", what), *super().params)

    def given(self, given: str) -> tuple[tuple[str, str], ...]:
        return (("memory", f"{given}{self.name}"),)

    @property
    def words(self) -> str:
        masks = "" if self.masks else ", without mask bits"
        stride = self.layout.stride
        return f"{sized(self.size)} of {stride} bytes in memory given by the driver{masks}"

    asks = True

    @property
    def loose(self) -> tuple[str | None, int]:
        return None, BASE + self.fake_table

    def fake(self, place: Place) -> Fake:
        at = place.loose + BASE
        return Fake(
            kind="IMS_LAYOUT_MEMORY",
            assigned=((self.name, f"fake->mem + asked->offset[{self.number}]"),),
            offset=at,
            tables=((at, self.fake_size),),
        )

    @property
    def slot_members(self) -> list[tuple[str, int, int]]:
        layout = self.layout
        high = [layout.address_hi] if layout.address_hi else []
        control = [layout.control.register] if layout.control else []
        assert layout.data
        first = min(layout.address_lo.offset, layout.data.offset)
        others = [(r.name, r.offset, r.width // 8) for r in (*high, *control, *layout.registers)]
        return [("message", first, 8), *others]

    @property
    def slot_includes(self) -> tuple[str, ...]:
        names = ["bits.h", "build_bug.h", "compiler.h", "msi.h"]
        linux = tuple(f"linux/{name}" for name in names if name != "bits.h" or self.layout.control)
        return (*linux, "asm/barrier.h", "asm/byteorder.h")

    @property
    def control(self) -> Control | None:
        return self.control_of("", "")

    @property
    def pair(self) -> Pair:
        layout = self.layout
        assert layout.data
        first, second = sorted((layout.address_lo, layout.data), key=lambda r: r.offset)
        upper, lower = (first, second) if layout.endian is Endian.BIG else (second, first)
        values = {layout.address_lo: "msg->address_lo", layout.data: "msg->data"}
        high = layout.address_hi
        return Pair(
            type=slot_type(64, layout.endian),
            value=self.stored(f"(u64){values[upper]} << 32 | {values[lower]}", 64),
            hi=high.name if high else "",
            hi_value=self.stored("msg->address_hi", 32) if high else "",
        )

    def stored(self, value: str, width: int) -> str:
        """``value`` in the byte order of the store."""
        if width == 8:
            return value
        return f"cpu_to_{'be' if self.layout.endian is Endian.BIG else 'le'}{width}({value})"

    def modelled(self, free_bar: int) -> tuple[str, ...]:
        count = self.made_slots
        return (
            "ims.Memory(",
            f'    "{self.name}",',
            f"    {count},",
            *slot(self.layout),
            "),",
        )

    names_slots = True

    @property
    def driven(self) -> StoreCode:
        return replace(
            super().driven,
            words=("lo", "hi"),
            stride=self.layout.stride,
            members=(("void *", self.name, ""), ("dma_addr_t", f"{self.name}_dma", "")),
            includes=frozenset({"dma-mapping.h", "wordpart.h"}),
            start="skeleton/memory-start.c.j2",
            probe="skeleton/memory-probe.c.j2",
        )

    def told(self, registers: Registers) -> Told:
        name, bar = self.name, registers.bar
        low, high = registers.at("LO"), registers.at("HI")
        return Told(
            (
                f'self.register({bar}, {low:#x}, "{name}_lo")',
                f'self.register({bar}, {high:#x}, "{name}_hi", write=self.{name}_is_at)',
                f'self.register({bar}, {registers.enable}, "enable", write=self.{name}_is_used)',
            ),
            (
                f"def {name}_is_at(self, high: int) -> None:",
                f"    low = self.word({bar}, {low:#x})",
                f'    self.stores["{name}"].base = high << 32 | low or None',
                "",
                f"def {name}_is_used(self, enabled: int) -> None:",
                "    if not enabled:",
                f'        self.stores["{name}"].base = None',
            ),
        )
