"""What stores have in common that need an interrupt domain of their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from imsgen.dsl.model import Device, ImsStore, SlotLayout

from ..fold import tabs
from ..views.parts import Line
from ..views.stores import CookiePart, Setter, StoreView
from .base import Kind, Param, pci_stores
from .fake import Fake, FakeCookie, Place
from .linked import InCode, Part, slot_parts
from .made import SLOTS

#: Highest value of a cookie that is a whole word.
U32_MAX = 0xFFFFFFFF


class Ims(Kind):
    """A message store beside MSI and MSI-X."""

    def __init__(self, device: Device, store: ImsStore) -> None:
        super().__init__(device, store)
        self.size = store.slots

    @property
    def layout(self) -> SlotLayout | None:
        """How its slots look; None where messages are in none."""
        return None

    @property
    def there(self) -> str:
        return f"irqs->{self.name}.nr"

    @property
    def made_slots(self) -> int:
        """How many slots a made-up device has."""
        return min(self.size.maximum, SLOTS) if self.size.runtime else self.size.maximum

    @property
    def names_slots(self) -> bool:
        return self.size.runtime

    @property
    def optional(self) -> bool:
        """Whether the device can do without the store: each use of it has a PCI part too."""
        pci = pci_stores(self.device)
        return (
            not self.specials
            and bool(self.pools)
            and all(pci & {r.store for r in pool.ranges} for pool in self.pools)
        )

    @property
    def params(self) -> tuple[Param, ...]:
        if not self.size.runtime:
            return ()
        what = f"Slots of the {self.name} store, at most {self.size.maximum}"
        return (Param(f"{self.name}_slots", "unsigned int", what),)

    @property
    def members(self) -> tuple[tuple[str, str, str], ...]:
        return (("struct pci_ims", self.name, f"The {self.name} store"),)

    @property
    def header_includes(self) -> frozenset[str]:
        return frozenset({"pci_ims_vecpool.h" if self.pools else "pci_ims.h"})

    @property
    def selects(self) -> frozenset[str]:
        return frozenset({"PCI_IMS", "PCI_IMS_VECPOOL"} if self.pools else {"PCI_IMS"})

    @property
    def granted(self) -> str:
        return f"irqs->{self.name}.nr"

    @property
    def numbers(self) -> Sequence[int]:
        prefix = 0 if self.optional else max(self.prefix, 1)
        if not self.size.runtime and not self.optional:
            return (self.size.maximum,)
        return range(prefix, self.size.maximum + 1)

    @property
    def info(self) -> tuple[tuple[str, str], ...]:
        """Initialisers of struct pci_ims_info that say what kind of store it is."""
        return ()

    def setup(self, given: str) -> tuple[str, ...]:
        at = f"&irqs->{self.name}"
        init = f"pci_ims_init({at}, pdev, &{self.fn}_info,\n»&{self.name}_params)"
        return (init, *self.fixed_calls)

    @property
    def fixed_calls(self) -> tuple[str, ...]:
        """Calls that allocate the vectors with a fixed purpose, once the store is set up."""
        return tuple(
            (
                f"{self.device.name}_irq_{v.name}_alloc(irqs)"
                if v.array
                else f"pci_ims_special(&irqs->{self.name}, {v.at}, &irqs->{v.name})"
            )
            for v in self.specials
        )

    @property
    def mixed(self) -> bool:
        """Whether a pool is over this store and another one beside MSI and MSI-X."""
        pci = pci_stores(self.device)
        return any({r.store for r in pool.ranges} - pci - {self.name} for pool in self.pools)

    @abstractmethod
    def given(self, given: str) -> tuple[tuple[str, str], ...]:
        """Initialisers of struct pci_ims_params but for the number of messages."""

    @property
    def number(self) -> int:
        """Its place among the stores of the device beside MSI and MSI-X, from 0 on."""
        names = [s.name for s in self.device.stores if s.name not in pci_stores(self.device)]
        return names.index(self.name)

    @property
    def asks(self) -> bool:
        """Whether the driver passes where the messages are."""
        return False

    @property
    def fake_size(self) -> int:
        """How many messages the fake device has of it."""
        return self.size.maximum

    @property
    def fake_cookies(self) -> tuple[FakeCookie, ...]:
        """What the suite is told of the cookies."""
        return ()

    @property
    def areas(self) -> dict[str, int]:
        """How far it reaches into what is mapped, in bytes, where that is always the same."""
        return {}

    @property
    def loose(self) -> tuple[str | None, int]:
        """A part that the fake device has anywhere, in a mapping or behind all: it, and bytes."""
        return None, 0

    @abstractmethod
    def fake(self, place: Place) -> Fake:
        """What its KUnit suite is told, with its parts where ``place`` has them."""

    @property
    def code(self) -> str:
        """The template of its functions and description."""
        return "device/ims-info.c.j2"

    @property
    def setters(self) -> tuple[Setter, ...]:
        """What the driver sets in its slots."""
        return ()

    @property
    def tables(self) -> tuple[Line, ...]:
        """The tables that it is split into: offset and number of slots."""
        return ()

    @property
    def described(self) -> str:
        """Where its description begins: a regular expression."""
        return rf"^static const struct pci_ims_info {self.fn}_info\b"

    @property
    def parts(self) -> Iterator[Part]:
        info = self.described
        yield Part(self.name, self.span, (InCode(info),))
        yield Part(f"{self.name}.slots", self.size.span, (InCode(info, r"\.max\b"), InCode(info)))
        yield from self.own_parts
        if self.layout:
            yield from slot_parts(self.name, self.fn, self.layout)

    @property
    def own_parts(self) -> Iterator[Part]:
        """What a layout says of it beside its size and its slots."""
        yield from ()

    def view(self, given: str) -> StoreView:
        info = [("name", f'"{self.device.name.upper()}-{self.name.upper()}"')]
        info += [("max", str(self.size.maximum))]
        info += [("optional", "true")] if self.optional else []
        info += [("isolated", "true")] if self.device.remapping else []
        info += [("no_cookie", "true")] if self.mixed and not self.cookie else []
        info += [("cookie.value", self.idle)] if self.idle != "0" else []
        nr = f"{given}{self.name}_slots" if self.size.runtime else str(self.size.value)
        return StoreView(
            name=self.name,
            fn=self.fn,
            ENUM=self.ENUM,
            source=f"pci_ims_source(&irqs->{self.name})",
            vectors=self.specials,
            arrays=tuple(v for v in self.specials if v.array),
            passed=(),
            least=self.prefix,
            behind=0,
            at_end=self.at_end,
            slots=self.slots,
            cookie=self.cookie,
            managed=None,
            info=tuple(Line(n, tabs(f"\t.{n}", 32), v) for n, v in [*info, *self.info]),
            params=tuple(Line(n, "", v) for n, v in [("nr", nr), *self.given(given)]),
            tables=self.tables,
            TYPE="",
            code=self.code,
            locals="device/ims-locals.c.j2",
            init="",
            exit="device/ims-exit.c.j2",
            shutdown="device/ims-shutdown.c.j2",
            setters=self.setters,
        )


def gives_cookies(kind: Kind) -> bool:
    """Whether a cookie can be given.

    Who gets a dedicated vector can; what shared ones carry the driver says where it has to.
    """
    if any(pool.dedicated for pool in kind.device.pools):
        return True
    return bool(kind.needs) and any(pool.sharing for pool in kind.pools)


def cookie_part(
    name: str, optional: bool, limit: int, field: str = "", bits: str = ""
) -> CookiePart:
    """A cookie whose highest value is ``limit``."""
    none = "IOMMU_PASID_INVALID" if name == "pasid" else "U32_MAX"
    full = limit == U32_MAX
    if full:
        what = "Any other number" if optional else "Any number"
    else:
        what = f"0 to {limit:#x}"
    return CookiePart(
        name=name,
        what=f"{what}, or {none} for none" if optional else what,
        optional=optional,
        NONE=none,
        FIELD=field,
        bits=bits,
        limit="" if full else f"{limit:#x}",
    )
