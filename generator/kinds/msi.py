"""The MSI capability."""

from __future__ import annotations

from collections.abc import Sequence

from imsgen.dsl.kinds import row_of
from imsgen.dsl.model import MAX_MSI

from .pci import Pci


class Msi(Pci):
    """Messages that are made of that of index 0, all or none of them."""

    TYPE = "PCI_IRQ_MSI"
    what = "The MSI messages"
    machine = "msi"

    def special_hint(self, index: int) -> str:
        return "; free it last: its message is that of all" if index == 0 else ""

    @property
    def words(self) -> str:
        most = "" if self.store.slots else "up to "
        return f"the MSI capability, {most}{self.most} message{'s' if self.most > 1 else ''}"

    @property
    def numbers(self) -> Sequence[int]:
        powers = tuple(nr for nr in (1, 2, 4, 8, 16, 32) if max(self.least, 1) <= nr <= self.most)
        if self.pools:
            return powers
        return sorted({min(nr, self.prefix) for nr in powers})

    def modelled(self, free_bar: int) -> tuple[str, ...]:
        slots = self.store.slots
        count = (
            slots.maximum if slots else min(MAX_MSI, row_of(self.store).rounded(max(self.used, 1)))
        )
        return (f'ims.Msi("{self.name}", slots={count}),',)
