"""What every kind of store says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imsgen.dsl.model import (
    Context,
    Device,
    PciStore,
    Pool,
    SharedVector,
    SpecialVector,
    Store,
    where,
)

from ..views.stores import Cookie, Slots, Special, StoreView
from .linked import Part
from .made import Registers, StoreCode, Told


@dataclass(frozen=True)
class Param:
    """What the driver passes: a member of the parameters, or an argument if it is the only one."""

    name: str
    type: str
    what: str
    #: Whether it is a function: these are always members.
    callback: bool = False
    #: Whether it is a member even so.
    member: bool = False


_CONTEXTS = {
    Context.HARD: "for request_irq()",
    Context.THREADED: "for request_threaded_irq()",
    Context.ONESHOT: "for request_threaded_irq() with IRQF_ONESHOT",
}


class Kind(ABC):
    """A store of a device, as one kind of stores sees it."""

    #: Whether a vector can fail when its interrupt is requested, without request_irq() failing.
    can_fail = False
    #: Kconfig symbols that have to be set.
    depends: tuple[str, ...] = ()

    def __init__(self, device: Device, store: Store) -> None:
        self.device = device
        self.name = store.name
        self.span = store.span
        self.fn = f"{device.name}_{store.name}"
        self._specials = tuple(v for v in device.vectors if v.store == store.name)
        self._runtime = tuple(v for v in self._specials if v.runtime)
        self._shared = frozenset(v.vector for v in device.shared)

    # --- uses ---------------------------------------------------------------------------------

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools that have vectors of the store on demand."""
        return tuple(pool for pool in self._all_pools if not pool.managed)

    @property
    def managed(self) -> Pool | None:
        """The pool whose vectors the kernel spreads over the CPUs."""
        return next((pool for pool in self._all_pools if pool.managed), None)

    @property
    def _all_pools(self) -> tuple[Pool, ...]:
        return tuple(
            pool for pool in self.device.pools if self.name in {r.store for r in pool.ranges}
        )

    @property
    def prefix(self) -> int:
        """Vectors that the store must have for its special ones, if it has them all."""
        fixed = (v for v in self._specials if not v.at_end)
        return max((v.last + 1 for v in fixed), default=0) + bool(self.at_end)

    @property
    def least(self) -> int:
        """Vectors that it must have without those which are optional, or passed by the driver."""
        fixed = (v for v in self._specials if not (v.optional or v.runtime or v.at_end))
        return max((v.last + 1 for v in fixed), default=0) + bool(self.at_end)

    @property
    def at_end(self) -> str:
        """The special vector that has the last index; may be empty."""
        return next((v.name for v in self._specials if v.at_end), "")

    @property
    def there(self) -> str:
        """How many indexes there are, once it is set up: an expression."""
        return ""

    @property
    def ENUM(self) -> str:
        """Number of the store in the sources of the pools, as a constant; may be empty."""
        return self.fn.upper() if self.pools else ""

    @property
    def specials(self) -> tuple[Special, ...]:
        """The vectors with a fixed purpose in the store."""
        return tuple(
            Special(
                name=v.name,
                index=v.index,
                purpose=v.purpose,
                where=f"{self._where(v)}, "
                + context(v, self.shares(v))
                + self.special_hint(v.index)
                + ("; 0 when it was not granted" if v.optional else ""),
                error=self.name if self.can_fail else "",
                array=v.count is not None,
                number=f"{v.index} + i" if v.index else "i",
                irq=f"irqs->{v.name}" if v.count is None else f"irqs->{v.name}[i]",
                each=_each(v),
                at=self._at(v),
                end=v.at_end,
                last=v.last,
                runtime=v.runtime,
                optional=v.optional,
            )
            for v in self._specials
        )

    def _where(self, v: SpecialVector) -> str:
        """The index of a vector in words; that of number ``i`` of an array."""
        if v.count is None:
            return f"{where(v).capitalize()} of the {self.name} store"
        index = f"{v.index} + i" if v.index else "i"
        return f"Index {index} of the {self.name} store, i below {v.count}"

    def _at(self, vector: SpecialVector) -> str:
        if vector.at_end:
            return f"{self.there} - 1"
        return f"params->{vector.name}_index" if vector.runtime else str(vector.index)

    def shares(self, vector: SpecialVector) -> bool:
        """Whether another purpose has the same interrupt, or can have it."""
        others = self._specials if vector.runtime else self._runtime
        return vector.name in self._shared or any(
            (v.runtime and (vector.runtime or vector.index <= v.index))
            or (vector.runtime and v.index <= vector.index and not v.at_end)
            for v in others
            if v.name != vector.name
        )

    def special_hint(self, index: int) -> str:
        """What else there is to say of a vector with a fixed purpose."""
        return ""

    # --- what it adds to the device -----------------------------------------------------------

    @property
    def params(self) -> tuple[Param, ...]:
        """What the driver passes."""
        return ()

    @property
    def members(self) -> tuple[tuple[str, str, str], ...]:
        """Members of struct <device>_irqs: type, name, text."""
        return ()

    @property
    def cookie(self) -> Cookie | None:
        """What its messages carry along, if somebody gives it."""
        return None

    @property
    def masks(self) -> bool:
        """Whether messages can be kept from being sent; else remapping is required (rule 7)."""
        return True

    @property
    def needs(self) -> str:
        """A cookie that its messages can't do without; may be empty."""
        return ""

    @property
    def idle(self) -> str:
        """The control word of an unmasked message without a cookie."""
        return "0"

    @property
    def slots(self) -> Slots | None:
        """The layout of its slots."""
        return None

    @property
    def header_includes(self) -> frozenset[str]:
        """Headers that the device's header needs."""
        return frozenset()

    @property
    def includes(self) -> frozenset[str]:
        """Headers that the glue needs."""
        return frozenset()

    @property
    def selects(self) -> frozenset[str]:
        """Kconfig symbols of the library that are used."""
        return frozenset()

    @property
    @abstractmethod
    def granted(self) -> str:
        """How many of its vectors can be used: an expression."""

    @property
    @abstractmethod
    def numbers(self) -> Sequence[int]:
        """How many vectors it may have, upwards."""

    @property
    def needed(self) -> int:
        """Vectors without which setting up fails if the driver passes the highest indexes."""
        return self.least

    @property
    def varies(self) -> bool:
        """Whether fewer vectors can be granted than there is a use for."""
        return True

    @property
    def machine(self) -> str:
        """What the fake machine calls the number of its vectors; empty if the driver passes it."""
        return ""

    @abstractmethod
    def setup(self, given: str) -> tuple[str, ...]:
        """Calls that set it up, all but the last of which return 0: expressions.

        ``given`` is where what the driver passes is found.
        """

    @property
    @abstractmethod
    def fake_size(self) -> int:
        """How many messages the fake device has of it."""

    # --- a device made up for it ----------------------------------------------------------------

    @property
    def spans(self) -> tuple[tuple[int, int, int], ...]:
        """What it has of BARs: number, start and end in bytes."""
        return ()

    @property
    def made_slots(self) -> int | None:
        """How many slots it has; None for as many as there is a use for."""
        return None

    @property
    def made_bar(self) -> int:
        """The BAR of a made-up device, of a kind whose driver may pass which one it is."""
        raise NotImplementedError

    @property
    def names_slots(self) -> bool:
        """Whether the driver has a name for how many slots there are."""
        return False

    @property
    def driven(self) -> StoreCode:
        """What the driver does for it."""
        return StoreCode(self.name, self.fn, self.fn.upper())

    @abstractmethod
    def modelled(self, free_bar: int) -> tuple[str, ...]:
        """Lines that make it in a model; ``free_bar`` is one that no store is in."""

    def told(self, registers: Registers) -> Told | None:
        """How a model is told of it, other than by its slots."""
        return None

    # --- how it is shown --------------------------------------------------------------------------

    @property
    @abstractmethod
    def words(self) -> str:
        """What it is, in the words of a list."""

    @property
    @abstractmethod
    def parts(self) -> Iterator[Part]:
        """What a layout says of it, in the order of the model."""

    @abstractmethod
    def view(self, given: str) -> StoreView:
        """What templates see; ``given`` is where what the driver passes is found."""


def context(vector: SpecialVector | SharedVector, shares: bool) -> str:
    """How a handler is requested, in words."""
    words = _CONTEXTS[vector.context]
    if not shares:
        return words
    return f"{words} {'|' if 'with' in words else 'with'} IRQF_SHARED"


def _each(vector: SpecialVector) -> str:
    """The statement before what is done with each interrupt of a vector that is there."""
    if vector.count is None:
        return f"if (irqs->{vector.name})"
    name = vector.name
    return f"for (i = 0; i < ARRAY_SIZE(irqs->{name}) && irqs->{name}[i]; i++)"


def pci_stores(device: Device) -> set[str]:
    """Names of the stores that the PCI core manages."""
    return {store.name for store in device.stores if isinstance(store, PciStore)}
