"""The resolved description of a device's interrupts.

The model knows interrupts and no C: names of C, Kconfig and files are made in
``generator/names.py``, texts in ``templates/``.  Everything is frozen, carries the span it
came from, and has one JSON form (:func:`to_json`).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from .source import Source, Span

#: Version of the JSON form.  Raised whenever a key changes its meaning or goes away.
JSON_VERSION = 1

#: Indexes a per-device MSI domain can hold (``MSI_MAX_INDEX + 1`` in include/linux/msi.h).
MAX_INDEXES = 65536

#: Messages a function can have by its MSI capability (PCI: a power of two).
MAX_MSI = 32

#: MSI-X table entries a function can have (PCI: an 11-bit field plus one).
MAX_MSIX = 2048


class Endian(enum.Enum):
    """Byte order of a store's registers."""

    LITTLE = "little"
    BIG = "big"


class SharePolicy(enum.Enum):
    """Which vector a user of a shared pool gets."""

    PER_CPU = "per cpu"
    LEAST_LOADED = "least loaded"


class FieldUse(enum.Enum):
    """Who says what a field of the control word holds."""

    #: The layout: it always has one value.
    FIXED = "fixed"
    #: The device, which ignores what is written.
    READ_ONLY = "read only"
    #: The device: a 1 that is written clears a bit, a 0 changes nothing.
    CLEAR = "write one to clear"
    #: The device: set for a message that it could not send while masked.
    PENDING = "pending"
    #: The driver, at any time.
    DRIVER = "driver"


class Context(enum.Enum):
    """Where the handler of a special vector runs."""

    HARD = "hard"
    THREADED = "threaded"
    ONESHOT = "oneshot"


@dataclass(frozen=True)
class Size:
    """A number that the datasheet gives, or that the driver passes at run time.

    ``value`` is None when the driver passes it; ``maximum`` bounds it either way.
    """

    value: int | None
    maximum: int
    span: Span

    @property
    def runtime(self) -> bool:
        """Whether the driver passes the number."""
        return self.value is None


@dataclass(frozen=True)
class PciId:
    """A PCI id the device is found by: vendor and device, or a 24-bit class code."""

    vendor: int | None
    device: int | None
    pci_class: int | None
    span: Span


@dataclass(frozen=True)
class PlatformId:
    """What a platform device is found by: a compatible of the devicetree, or an ACPI id."""

    compatible: str | None
    acpi: str | None
    span: Span

    @property
    def text(self) -> str:
        """Whichever of the two it is."""
        return self.compatible or self.acpi or ""


@dataclass(frozen=True)
class Register:
    """One register of a slot: byte offset from the slot's start, width in bits."""

    name: str
    offset: int
    width: int
    span: Span


@dataclass(frozen=True)
class MaskBit:
    """The bit of the control word that masks a message.

    ``active_low`` is set where a cleared bit masks (the datasheet calls it "enable").
    """

    bit: int
    active_low: bool
    span: Span


@dataclass(frozen=True)
class CookieField:
    """A field of the control word that takes the cookie given at allocation.

    ``shift`` and ``width`` are in bits.  ``enable_bit`` is set whenever the cookie is valid
    (rule 30).  ``optional`` allows an allocation without the cookie.
    """

    name: str
    shift: int
    width: int
    enable_bit: int | None
    optional: bool
    span: Span


@dataclass(frozen=True)
class ControlField:
    """A field of the control word that is neither the mask bit nor a cookie.

    ``shift`` and ``width`` are in bits.  ``value`` is what a fixed field always has, and 0 for the
    others: what the driver owns starts with it, and of what the device owns no bit is ever set.
    """

    name: str
    shift: int
    width: int
    use: FieldUse
    value: int
    span: Span


@dataclass(frozen=True)
class ControlWord:
    """The slot's control register and the fields in it.

    ``mask`` is None where the store has ``mask_bits``, or where messages can't be masked.  Bits
    that belong to no field are written as 0.
    """

    register: Register
    mask: MaskBit | None
    cookies: tuple[CookieField, ...]
    span: Span
    fields: tuple[ControlField, ...] = field(default=())

    @property
    def fixed(self) -> int:
        """The word with nothing but its fixed fields."""
        return sum(item.value << item.shift for item in self.fields)

    @property
    def pending(self) -> ControlField | None:
        """The bit that the device sets for a message that it could not send while masked."""
        return next((item for item in self.fields if item.use is FieldUse.PENDING), None)

    @property
    def driven(self) -> tuple[ControlField, ...]:
        """The fields that the driver owns."""
        return tuple(item for item in self.fields if item.use is FieldUse.DRIVER)


@dataclass(frozen=True)
class AddressBits:
    """The bits of an address that a device keeps, ``high`` to ``low``; all others have to be 0."""

    high: int
    low: int
    span: Span


@dataclass(frozen=True)
class SlotLayout:
    """How one message lies in a slot.

    ``stride`` is the distance in bytes from one slot to the next.  ``address_hi`` is None for a
    device that takes 32-bit addresses only.  A 64-bit ``address`` register is described as two
    halves by the resolver, in the byte order of the store.  ``data`` is None where the device sends
    the index of a message as its data: all messages then have the one address of one slot.
    """

    stride: int
    endian: Endian
    address_lo: Register
    address_hi: Register | None
    data: Register | None
    control: ControlWord | None
    span: Span
    #: What the driver writes, in the order of the file.
    registers: tuple[Register, ...] = field(default=())
    address_bits: AddressBits | None = field(default=None)

    @property
    def address_mask(self) -> int:
        """The bits that an address can have, those of the registers or fewer."""
        mask = (1 << (64 if self.address_hi else 32)) - 1
        bits = self.address_bits
        return mask & ((1 << (bits.high + 1)) - (1 << bits.low)) if bits else mask


@dataclass(frozen=True)
class BitArray:
    """One bit a message in another register block: mask bits or pending bits.

    ``offset`` is in bytes from the start of the BAR; words have 32 bits, in the store's byte
    order, message 0 is bit 0 of the first word.  ``active_low`` is set where a cleared bit masks.
    """

    bar: int
    offset: int
    active_low: bool
    span: Span


@dataclass(frozen=True)
class Table:
    """One of the tables that a store is split over: where it is in the BAR, and its slots."""

    offset: int
    slots: int
    span: Span


@dataclass(frozen=True)
class MsiStore:
    """The function's MSI capability (multi-message), managed by the PCI core.

    ``slots`` is how many messages it has, a power of two; None where the file doesn't say that.
    """

    name: str
    span: Span
    slots: Size | None = field(default=None)


@dataclass(frozen=True)
class MsixStore:
    """The function's MSI-X table, managed by the PCI core.

    ``slots`` is how many entries it has; None where the file doesn't say that.
    """

    name: str
    span: Span
    slots: Size | None = field(default=None)


@dataclass(frozen=True)
class IomemStore:
    """A table of slots in a BAR (IDXD-like).

    ``bar`` is 0..5, or None where the driver says which it is; ``offset`` is in bytes from the
    start of the BAR; ``slots`` is the number of slots.  ``tables`` is empty for one table; where
    the store is split it has all of them, ``offset`` is that of the first and ``slots`` the sum.
    A message is masked either by the control word of its slot or by ``mask_bits``; the layout then
    may have no control word.  With neither it can't be masked, and the device requires remapping
    (rule 7).  ``pending`` are bits that the device sets for what it could not send while masked.
    """

    name: str
    bar: int | None
    offset: Size
    slots: Size
    layout: SlotLayout
    span: Span
    tables: tuple[Table, ...] = field(default=())
    mask_bits: BitArray | None = field(default=None)
    pending: BitArray | None = field(default=None)

    @property
    def arrays(self) -> tuple[tuple[str, BitArray], ...]:
        """Its arrays of bits, by the words of their statements."""
        both = ("mask_bits", self.mask_bits), ("pending", self.pending)
        return tuple((word, bits) for word, bits in both if bits)


@dataclass(frozen=True)
class MemoryStore:
    """A table of slots in system memory that the device fetches from (rule 23).

    The driver passes its address.  ``address_lo`` and ``data`` are adjacent and together aligned to
    8 bytes, so that one store replaces both.
    """

    name: str
    slots: Size
    layout: SlotLayout
    span: Span


@dataclass(frozen=True)
class IndirectStore:
    """Slots in a BAR that show one at a time: the one whose index is in the select register.

    ``bar`` is as in :class:`IomemStore`; ``select`` and ``window`` are offsets in bytes from the
    start of the BAR: of the 32-bit register that takes the index, and of the slot that shows.  The
    control word masks.
    """

    name: str
    bar: int | None
    select: int
    window: int
    slots: Size
    layout: SlotLayout
    span: Span


@dataclass(frozen=True)
class CommandCookie:
    """A value given at allocation that the device command takes along, 32 bits."""

    name: str
    optional: bool
    span: Span


@dataclass(frozen=True)
class CommandStore:
    """Messages that only a command of the device can change (rules 19 to 27)."""

    name: str
    slots: Size
    cookies: tuple[CommandCookie, ...]
    span: Span


@dataclass(frozen=True)
class ExportedStore:
    """Messages that a peer sends; it is told whenever one of them changes (NTB)."""

    name: str
    slots: Size
    span: Span


@dataclass(frozen=True)
class RegistersStore:
    """Slots in the registers of a platform device, which its driver maps.

    ``offset`` is in bytes from the start of the mapping; ``offset``, ``slots`` and ``tables`` are
    as in :class:`IomemStore`.  All messages are allocated at once.
    """

    name: str
    offset: Size
    slots: Size
    layout: SlotLayout
    span: Span
    tables: tuple[Table, ...] = field(default=())

    @property
    def bar(self) -> None:
        """A platform device has none."""

    @property
    def arrays(self) -> tuple[tuple[str, BitArray], ...]:
        """It has none."""
        return ()


@dataclass(frozen=True)
class PassedStore:
    """Messages of a platform device that its driver passes on: to firmware, or to a host.

    All of them are allocated at once.
    """

    name: str
    slots: Size
    span: Span


#: What messages carry along.
Cookie = CookieField | CommandCookie

#: Stores that the PCI core manages, those with slots in a BAR, all with slots, all which need a
#: domain of their own, and those whose slots can be in several tables.
PciStore = MsiStore | MsixStore
BarStore = IomemStore | IndirectStore
ImsSlotStore = BarStore | MemoryStore
SlotStore = ImsSlotStore | RegistersStore
ImsStore = ImsSlotStore | CommandStore | ExportedStore
TableStore = IomemStore | RegistersStore
Store = PciStore | ImsStore | RegistersStore | PassedStore


@dataclass(frozen=True)
class SpecialVector:
    """A vector with one purpose at a fixed index of its store.

    ``count`` is None for one vector; else it is an array of so many, ``index`` the first one's.
    Where ``runtime`` is set the driver passes the index, which is ``index`` at most.  With
    ``at_end`` it is the last one that there is, ``index`` in the largest store.  Without an
    ``optional`` one the device works.
    """

    name: str
    store: str
    index: int
    purpose: str
    context: Context
    span: Span
    count: int | None = field(default=None)
    runtime: bool = field(default=False)
    optional: bool = field(default=False)
    at_end: bool = field(default=False)

    @property
    def last(self) -> int:
        """The last index that it takes, or can take."""
        return self.index + (self.count or 1) - 1


@dataclass(frozen=True)
class SharedVector:
    """Another purpose of the special vector ``vector``: both have one interrupt."""

    name: str
    vector: str
    purpose: str
    context: Context
    span: Span


@dataclass(frozen=True)
class Range:
    """Indexes ``first`` to ``last`` of a store, both included; ``last`` None is "to the end"."""

    store: str
    first: int
    last: int | None
    span: Span


@dataclass(frozen=True)
class Sharing:
    """Shared vectors: each CPU has its own, made on demand, ``limit`` users on each.

    ``policy`` says who chooses the CPU: the user, or the pool by load within the user's mask.
    """

    limit: int
    span: Span
    policy: SharePolicy = field(default=SharePolicy.PER_CPU)


@dataclass(frozen=True)
class Pool:
    """Fungible vectors over one range or several, in order of preference.

    ``managed`` pools have one vector a queue, spread over the CPUs and kept there by the kernel;
    they are neither shared nor dedicated.  ``reserve`` vectors are kept from being shared.
    With ``node`` they belong on the CPUs of the device's NUMA node, as long as one is online.
    """

    name: str
    purpose: str
    ranges: tuple[Range, ...]
    sharing: Sharing | None
    dedicated: bool
    span: Span
    managed: bool = field(default=False)
    reserve: int = field(default=0)
    node: bool = field(default=False)


@dataclass(frozen=True)
class Member:
    """What each subdevice gets of one pool: ``minimum`` to ``maximum`` vectors.

    ``single`` is set for ``vector POOL;``, which is one vector, no more and no less.
    """

    pool: str
    minimum: int
    maximum: int
    single: bool
    span: Span


@dataclass(frozen=True)
class Subdevice:
    """A kind of auxiliary device with a 0-based space of vectors of its own.

    The members' vectors are numbered in the order of ``members``.  ``maximum`` is how many
    subdevices of the kind there can be.
    """

    name: str
    maximum: int
    members: tuple[Member, ...]
    span: Span


@dataclass(frozen=True)
class Device:
    """One device as its datasheet and its driver's policy have it.

    ``remapping`` says that interrupt remapping must isolate the device's messages: given in the
    file, else on exactly where a dedicated vector can come from an IMS store (rule 32).
    """

    name: str
    title: str
    ids: tuple[PciId, ...]
    path: str | None
    maintainers: tuple[str, ...]
    remapping: bool
    stores: tuple[Store, ...]
    vectors: tuple[SpecialVector, ...]
    pools: tuple[Pool, ...]
    span: Span
    subdevices: tuple[Subdevice, ...] = field(default=())
    #: Architectures that the device exists on, as `architecture` names them; empty: all.
    architectures: tuple[str, ...] = field(default=())
    #: Base name of the file, as shown in what is generated.
    file: str = field(default="")
    #: Vectors, of all stores together, below which the driver can't work; 0: any number will do.
    minimum: int = field(default=0)
    shared: tuple[SharedVector, ...] = field(default=())
    #: What a platform device is found by; empty for one on a PCI bus.
    platform_ids: tuple[PlatformId, ...] = field(default=())

    @property
    def is_platform(self) -> bool:
        """Whether it is a platform device, and not on a PCI bus."""
        return bool(self.platform_ids)

    @property
    def all_vectors(self) -> tuple[SpecialVector | SharedVector, ...]:
        """The special vectors, and those that share one."""
        return (*self.vectors, *self.shared)

    @property
    def slot_stores(self) -> tuple[SlotStore, ...]:
        """The stores whose messages are in slots."""
        return tuple(store for store in self.stores if isinstance(store, SlotStore))

    def end(self, store: Store) -> int:
        """The index behind the last one that pools can have of a store, if it is the largest."""
        taken = any(v.at_end and v.store == store.name for v in self.vectors)
        return largest(store) - taken

    def store(self, name: str) -> Store:
        """The store of that name.  Raises KeyError: the resolver has checked every use."""
        for store in self.stores:
            if store.name == name:
                return store
        raise KeyError(name)


def where(vector: SpecialVector) -> str:
    """Which indexes of its store a vector has, in words."""
    if vector.runtime:
        return f"the index that the driver passes, up to {vector.index},"
    if vector.at_end:
        return "the last index"
    if vector.last > vector.index:
        return f"indexes {vector.index} to {vector.last}"
    return f"index {vector.index}"


def layout_of(store: Store) -> SlotLayout | None:
    """The layout of its slots; None where its messages are in none."""
    return store.layout if isinstance(store, SlotStore) else None


def largest(store: Store) -> int:
    """How many messages a store has at most."""
    if store.slots is not None:
        return store.slots.maximum
    return MAX_MSI if isinstance(store, MsiStore) else MAX_MSIX


def to_json(value: Any) -> Any:
    """The JSON form of a model object: dataclasses become objects with a ``kind``.

    Spans are line, column, end line and end column; behind them the base name of the file
    where that is an included one, not the device's own.
    """
    return _json(value, None)


def _json(value: Any, source: Source | None) -> Any:
    from dataclasses import fields, is_dataclass

    if isinstance(value, Span):
        foreign = source is not None and value.source is not source
        return [*value.as_list(), *([value.source.name.rpartition("/")[2]] if foreign else [])]
    if isinstance(value, enum.Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, Device):
            source = value.span.source
        body = {f.name: _json(getattr(value, f.name), source) for f in fields(value)}
        return {"kind": type(value).__name__, **body}
    if isinstance(value, tuple):
        return [_json(item, source) for item in value]
    return value
