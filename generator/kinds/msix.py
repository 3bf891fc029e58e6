"""The MSI-X table."""

from __future__ import annotations

from collections.abc import Sequence

from .pci import Pci


class Msix(Pci):
    """A table in a BAR that the PCI core manages."""

    TYPE = "PCI_IRQ_MSIX"
    what = "The MSI-X table"
    machine = "msix"

    @property
    def words(self) -> str:
        size = f" of {self.most} entr{'ies' if self.most > 1 else 'y'}" if self.store.slots else ""
        return f"the MSI-X table{size}"

    @property
    def numbers(self) -> Sequence[int]:
        if self.managed:
            return range(self.managed.ranges[0].first + 1, self.most + 1)
        if not self.pools:
            return range(max(self.least, min(self.prefix, 1)), self.prefix + 1)
        return range(max(self.least, 1), self.most + 1)

    def modelled(self, free_bar: int) -> tuple[str, ...]:
        # A table has an entry, whether the driver uses it or not
        count = self.store.slots.maximum if self.store.slots else max(self.used, 1)
        return (f'ims.Msix("{self.name}", slots={count}, bar={free_bar}),',)
