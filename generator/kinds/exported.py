"""Messages that a peer sends."""

from __future__ import annotations

from dataclasses import replace

from ..views.parts import sized
from .base import Param
from .fake import Fake, Place
from .ims import Ims
from .made import Registers, StoreCode, Told


class Exported(Ims):
    """The peer is told whenever a message changes, and can't be masked."""

    @property
    def masks(self) -> bool:
        return False

    @property
    def params(self) -> tuple[Param, ...]:
        kind = "void (*)(struct pci_ims *ims, unsigned int index,\n»const struct msi_msg *msg)"
        what = "Told of each change of a message, in atomic context"
        return (*super().params, Param(f"{self.name}_changed", kind, what, True))

    def given(self, given: str) -> tuple[tuple[str, str], ...]:
        return (("changed", f"{given}{self.name}_changed"),)

    @property
    def words(self) -> str:
        return f"{sized(self.size, 'message')}, sent by a peer which is told of changes"

    def fake(self, place: Place) -> Fake:
        return Fake(
            kind="IMS_LAYOUT_PEER",
            constants=((f"{self.name}_changed", "ims_layout_changed"),),
        )

    def modelled(self, free_bar: int) -> tuple[str, ...]:
        return (f'ims.Exported("{self.name}", slots={self.made_slots}),',)

    @property
    def driven(self) -> StoreCode:
        return replace(
            super().driven,
            block="message",
            includes=frozenset({"container_of.h", "msi.h"}),
            functions="skeleton/exported-functions.c.j2",
        )

    def told(self, registers: Registers) -> Told:
        name, bar, at = self.name, registers.bar, registers.at("MESSAGE")
        return Told(
            (
                f"for index in range({self.made_slots}):",
                f"    self.register({bar}, {at:#x} + 16 * index + 8, "
                f'"{name}_data", write=self.{name}_changed(index))',
            ),
            (
                f"def {name}_changed(self, index: int):",
                f"    at = {at:#x} + 16 * index",
                "",
                "    def changed(data: int) -> None:",
                f"        address = self.word({bar}, at + 4) << 32 | self.word({bar}, at)",
                f'        self.stores["{name}"].tell(index, address, data)',
                "",
                "    return changed",
            ),
        )
