"""What MSI and MSI-X have in common: the PCI core has the table."""

from __future__ import annotations

from collections.abc import Iterator

from imsgen.dsl.kinds import row_of
from imsgen.dsl.model import Device, PciStore, Pool, largest

from ..views.stores import Managed, StoreView
from .base import Kind, Param
from .linked import InCode, Part
from .made import FEW

#: Messages of the fake device beyond the special ones.
_FEW = 3


class Pci(Kind):
    """A table of the PCI core, used by pools, by managed ones, or for special vectors alone."""

    #: What pci_alloc_irq_vectors() calls it, and what it is in words.
    TYPE = ""
    what = ""

    def __init__(self, device: Device, store: PciStore) -> None:
        super().__init__(device, store)
        self.store = store
        #: Messages that there are at most.
        self.most = largest(store)

    @property
    def members(self) -> tuple[tuple[str, str, str], ...]:
        if self.pools:
            return (("struct pci_irq_table", self.name, self.what),)
        return ()

    @property
    def header_includes(self) -> frozenset[str]:
        if self.pools:
            return frozenset({"irq_vecpool.h"})
        return frozenset({"pci.h"})

    @property
    def includes(self) -> frozenset[str]:
        if self.pools and not self.at_end:
            return frozenset()
        return frozenset({"irq.h"})

    @property
    def use(self) -> str:
        """What its vectors are for: pools, a managed one, or special vectors alone."""
        return "table" if self.pools else "spread" if self.managed else "fixed"

    @property
    def params(self) -> tuple[Param, ...]:
        return tuple(
            Param(
                f"{v.name}_index",
                "unsigned int",
                f"Index of the {v.name} vector, at most {v.index}",
                member=True,
            )
            for v in self.specials
            if v.runtime
        )

    @property
    def there(self) -> str:
        return f"irqs->{self.name}.size"

    @property
    def varies(self) -> bool:
        return bool(self.pools or self.managed) or self.least < self.prefix

    @property
    def needed(self) -> int:
        return max([self.least, *(v.last + 1 for v in self.specials if v.runtime)])

    def setup(self, given: str) -> tuple[str, ...]:
        passed = [v for v in self.specials if v.runtime]
        checks = [f"{v.at} > {v.index} ? -EINVAL : 0" for v in passed]
        alloc = self._alloc(given, f"{self.fn}_needs(params)" if passed else "")
        last = [f"{self.device.name}_irq_{self.at_end}_alloc(irqs)"] if self.at_end else []
        return (*checks, alloc, *last)

    def _alloc(self, given: str, needs: str) -> str:
        """The call that allocates; ``needs`` says how many vectors there must be."""
        least, prefix = needs or str(max(self.least, 1)), str(max(self.prefix, 1))
        if self.pools:
            table = (f"&irqs->{self.name}", "pdev", self.TYPE)
            return f"pci_irq_table_init({', '.join(table)},\n»{', '.join((least, *self.usable))})"
        if not self.managed:
            wanted = prefix if any(v.optional for v in self.specials) else least
            fold = "\n»" if needs else " "
            return f"pci_alloc_irq_vectors(pdev, {least},{fold}{wanted},{fold}{self.TYPE})"
        queues = managed_view(self)
        # A wish for all there are must not become one for none.
        asked, most = f"{given}{queues.name}_queues", self.most - queues.first
        more = "\n»" if given else " "
        wanted = f"{asked} < {most} ?{more}{queues.first} + {asked} : {self.most}"
        spread = f"&(struct irq_affinity) {{ .pre_vectors = {queues.first} }}"
        arguments = [f"{queues.first + 1}, {wanted}", f"{self.TYPE} | PCI_IRQ_AFFINITY", spread]
        return "pci_alloc_irq_vectors_affinity(pdev, " + ",\n»".join(arguments) + ")"

    @property
    def selects(self) -> frozenset[str]:
        return frozenset({"IRQ_VECPOOL_PCI"} if self.pools else ())

    @property
    def granted(self) -> str:
        if self.managed:
            first = self.managed.ranges[0].first
            return f"irqs->{self.managed.name}.nr" + (f" + {first}" if first else "")
        if self.pools:
            return f"irqs->{self.name}.size"
        # What pci_alloc_irq_vectors() has returned.
        return "ret" if self.varies else str(self.prefix)

    @property
    def usable(self) -> tuple[str, str]:
        """Number of vectors that there is a use for, and whether there is for any behind them."""
        ranges = [r for pool in self.pools for r in pool.ranges if r.store == self.name]
        ends = [r.first if r.last is None else r.last + 1 for r in ranges]
        more = any(r.last is None for r in ranges)
        usable = max([self.prefix, *(end + bool(self.at_end) for end in ends)])
        return str(usable), "true" if more else "false"

    @property
    def used(self) -> int:
        """How many messages a device has at least for what the layout names, and a few more."""
        ends = [v.last + 1 for v in self._specials if not v.at_end]
        for pool in self._all_pools:
            ranges = [r for r in pool.ranges if r.store == self.name]
            ends += [r.first + FEW if r.last is None else r.last + 1 for r in ranges]
        return max([self.device.minimum, *ends])

    @property
    def fake_size(self) -> int:
        """As many as the layout says; else the special ones, and a few for each pool."""
        if self.store.slots:
            return self.store.slots.maximum
        need = [v.last + 1 for v in self._specials if not v.at_end]
        for pool in self._all_pools:
            for r in (r for r in pool.ranges if r.store == self.name):
                need.append(r.first + self._few(pool) if r.last is None else r.last + 1)
                # Enough by themselves, since some devices can do without their own store.
                need.append(self.device.minimum)
        return row_of(self.store).rounded(max(need, default=0) + bool(self.at_end))

    def _few(self, pool: Pool) -> int:
        """How many vectors of a range without an end are enough to try everything."""
        members = [m for sub in self.device.subdevices for m in sub.members if m.pool == pool.name]
        if pool.sharing:
            return _FEW + pool.reserve
        return max([_FEW, *(m.minimum for m in members)])

    @property
    def parts(self) -> Iterator[Part]:
        start = rf"^int {self.device.name}_irqs_init\("
        places = (InCode(start, rf"&irqs->{self.name}\b"), InCode(start, r"pci_alloc_irq_vectors"))
        yield Part(self.name, self.span, places)

    def view(self, given: str) -> StoreView:
        return StoreView(
            name=self.name,
            fn=self.fn,
            ENUM=self.ENUM,
            source=f"pci_irq_table_source(&irqs->{self.name})",
            vectors=self.specials,
            arrays=(),
            passed=() if self.managed else tuple(v for v in self.specials if v.runtime),
            least=max(self.least, 1),
            behind=2 if self.at_end else 1,
            at_end=self.at_end,
            slots=None,
            cookie=None,
            managed=managed_view(self) if self.managed else None,
            info=(),
            params=(),
            tables=(),
            TYPE=self.TYPE,
            code="",
            locals="",
            init="device/spread-init.c.j2" if self.managed else "device/pci-init.c.j2",
            exit=f"device/{self.use}-exit.c.j2",
            shutdown=f"device/{self.use}-shutdown.c.j2",
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
        index=f"entry + {first}" if first else "entry",
    )
