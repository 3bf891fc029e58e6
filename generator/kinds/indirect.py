"""Slots in a BAR that show one at a time."""

from __future__ import annotations

from imsgen.dsl.model import Device, Endian, IndirectStore, Store

from ..views.parts import sized
from .base import Param
from .fake import Fake, Place
from .registers import RegisterKind


class Indirect(RegisterKind):
    """A select register that takes the index, and a window in which its slot shows."""

    where = "window"
    functions = "device/slots-indirect.h.j2"
    pointer = "struct msi_desc *"
    more_includes = ("pci_ims.h",)

    def __init__(self, device: Device, store: IndirectStore) -> None:
        super().__init__(device, store)
        self.store = store

    @classmethod
    def of(cls, device: Device, store: Store) -> Indirect | None:
        return cls(device, store) if isinstance(store, IndirectStore) else None

    @property
    def words(self) -> str:
        store = self.store
        return (
            f"{sized(store.slots)} of {store.layout.stride} bytes in a window of BAR {store.bar} "
            f"at {store.window:#x}, selected at {store.select:#x}"
        )

    @property
    def params(self) -> tuple[Param, ...]:
        bar = self.store.bar
        return (Param(f"bar{bar}", "void __iomem *", f"Mapping of BAR {bar}"), *super().params)

    def given(self, given: str) -> tuple[tuple[str, str], ...]:
        return (
            ("bar", f"{given}bar{self.store.bar}"),
            ("offset", f"{self.store.window:#x}"),
        )

    @property
    def place(self) -> tuple[tuple[str, str], ...]:
        store = self.store
        big = ", .big_endian = true" if self.layout.endian is Endian.BIG else ""
        select = f"{{ .offset = {store.select:#x}, .present = true{big} }}"
        return (*((("bar", str(store.bar)),) if store.bar else ()), ("select", select))

    @property
    def areas(self) -> dict[int, int]:
        store = self.store
        return {store.bar: max(store.select + 4, store.window + self.layout.stride)}

    @property
    def loose(self) -> tuple[int | None, int]:
        # Behind the registers, where the driver can't reach them but through the window.
        return None, self.fake_table

    def fake(self, place: Place) -> Fake:
        store, stride, size, at = self.store, self.layout.stride, self.fake_size, place.loose
        base = place.bars[store.bar]
        select, window = base + store.select, base + store.window
        big = "true" if self.layout.endian is Endian.BIG else "false"
        values = f"{select:#x}, {window:#x}, {stride}, {at:#x}, {size}, {big}"
        return Fake(
            kind="IMS_LAYOUT_BAR",
            tables=((at, size),),
            layout=(("select", f"{{ {select:#x}, 4 }}"),),
            window=values,
        )
