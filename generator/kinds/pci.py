"""What MSI and MSI-X have in common: the PCI core has the table."""

from __future__ import annotations

from ..views.stores import Managed, StoreView
from .base import Kind


class Pci(Kind):
    """A table of the PCI core, used by pools, by managed ones, or for special vectors alone."""

    #: What pci_alloc_irq_vectors() calls it, and what it is in words.
    TYPE = ""
    what = ""

    @property
    def members(self) -> tuple[tuple[str, str, str], ...]:
        if self.pools:
            return (("struct pci_irq_table", self.name, self.what),)
        if self.managed:
            # The members of the struct are in its template: a struct without a name.
            return ()
        return ()

    @property
    def header_includes(self) -> frozenset[str]:
        if self.pools:
            return frozenset({"irq_vecpool.h"})
        return frozenset({"nospec.h"}) if self.managed else frozenset()

    @property
    def includes(self) -> frozenset[str]:
        if self.pools:
            return frozenset({"irq_vecpool.h"})
        return frozenset(
            {"interrupt.h", "irq.h"} | ({"minmax.h", "slab.h"} if self.managed else set())
        )

    @property
    def selects(self) -> frozenset[str]:
        return frozenset({"IRQ_VECPOOL_PCI"} if self.pools else ())

    @property
    def granted(self) -> str:
        if self.managed:
            first = self.managed.ranges[0].first
            return f"irqs->{self.managed.name}.nr" + (f" + {first}" if first else "")
        return f"irqs->{self.name}.size" if self.pools else str(self.prefix)

    @property
    def usable(self) -> str:
        """Highest index that there is a use for, and one more."""
        ends = [r.last for pool in self.pools for r in pool.ranges if r.store == self.name]
        last = [end for end in ends if end is not None]
        return (
            "UINT_MAX" if len(last) < len(ends) else str(max([self.prefix, *(e + 1 for e in last)]))
        )

    def view(self, given: str) -> StoreView:
        use = "table" if self.pools else "spread" if self.managed else "fixed"
        return StoreView(
            name=self.name,
            fn=self.fn,
            ENUM=self.ENUM,
            source=f"pci_irq_table_source(&irqs->{self.name})",
            vectors=self.specials,
            slots=None,
            cookie=None,
            managed=managed_view(self) if self.managed else None,
            info=(),
            params=(),
            tables=(),
            TYPE=self.TYPE,
            special=max(self.prefix, 1),
            usable=self.usable,
            code="",
            locals="device/spread-locals.c.j2" if use == "spread" else "",
            init=f"device/{use}-init.c.j2",
            exit=f"device/{use}-exit.c.j2",
            shutdown=f"device/{use}-shutdown.c.j2",
        )


def managed_view(kind: Pci) -> Managed:
    """The pool of a kind that the kernel spreads over the CPUs."""
    assert kind.managed is not None
    name, first = kind.managed.name, kind.managed.ranges[0].first
    return Managed(
        name=name,
        fn=f"{kind.device.name}_{name}",
        purpose=kind.managed.purpose or "one vector a queue",
        first=first,
        MAX=f"{kind.device.name}_{name}_MAX_QUEUES".upper(),
        index=f"entry + {first}" if first else "entry",
    )
