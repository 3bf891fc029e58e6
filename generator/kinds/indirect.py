"""Slots in a BAR that show one at a time."""

from __future__ import annotations

from imsgen.dsl.kinds import bar_of
from imsgen.dsl.model import Device, Endian, IndirectStore

from ..views.parts import sized
from .base import Param
from .fake import Fake, Place
from .ims import Ims
from .made import slot
from .mmio import BarKind


class Indirect(BarKind, Ims):
    """A select register that takes the index, and a window in which its slot shows."""

    where = "window"
    functions = "device/slots-indirect.h.j2"
    pointer = "struct msi_desc *"
    more_includes = ("pci_ims.h",)

    def __init__(self, device: Device, store: IndirectStore) -> None:
        super().__init__(device, store)
        self.store = store

    @property
    def words(self) -> str:
        store = self.store
        return (
            f"{sized(store.slots)} of {store.layout.stride} bytes in a window of {bar_of(store)} "
            f"at {store.window:#x}, selected at {store.select:#x}"
        )

    @property
    def params(self) -> tuple[Param, ...]:
        return (*self.bar_params(), *super().params)

    def given(self, given: str) -> tuple[tuple[str, str], ...]:
        return (*self.bar_given(given), ("offset", f"{self.store.window:#x}"))

    @property
    def place(self) -> tuple[tuple[str, str], ...]:
        store = self.store
        big = ", .big_endian = true" if self.layout.endian is Endian.BIG else ""
        select = f"{{ .offset = {store.select:#x}, .present = true{big} }}"
        return (("select", select),)

    @property
    def areas(self) -> dict[str, int]:
        store = self.store
        return {self.mapping: max(store.select + 4, store.window + self.layout.stride)}

    @property
    def loose(self) -> tuple[str | None, int]:
        # Behind the registers, where the driver can't reach them but through the window.
        return None, self.fake_table

    def fake(self, place: Place) -> Fake:
        store, stride, size, at = self.store, self.layout.stride, self.fake_size, place.loose
        base = place.mapped[self.mapping]
        select, window = base + store.select, base + store.window
        big = "true" if self.layout.endian is Endian.BIG else "false"
        values = f"{select:#x}, {window:#x}, {stride}, {at:#x}, {size}, {big}"
        return Fake(
            kind="IMS_LAYOUT_BAR",
            asks_bir=store.bar is None,
            tables=((at, size),),
            layout=(("select", f"{{ {select:#x}, 4 }}"),),
            machine=(("windows", values),),
        )

    @property
    def spans(self) -> tuple[tuple[int, int, int], ...]:
        store, bar = self.store, self.made_bar
        end = store.window + self.layout.stride
        return (bar, store.select, store.select + 4), (bar, store.window, end)

    def modelled(self, free_bar: int) -> tuple[str, ...]:
        return (
            "ims.Indirect(",
            f'    "{self.name}",',
            *slot(self.layout),
            f"    slots={self.made_slots},",
            f"    bar={self.made_bar},",
            f"    select={self.store.select:#x},",
            f"    window={self.store.window:#x},",
            "),",
        )
