"""The resolved description of a device's interrupts.

The model knows interrupts and no C: names of C, Kconfig and files are made in
``generator/names.py``, texts in ``templates/``.  Everything is frozen, carries the span it
came from, and has one JSON form (:func:`to_json`).
"""

from __future__ import annotations

import enum

from .records import dataclass, field
from .source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Version of the JSON form.  Raised whenever a key changes its meaning or goes away.
JSON_VERSION = 1

#: Indexes a per-device MSI domain can hold (``MSI_MAX_INDEX + 1`` in include/linux/msi.h).
MAX_INDEXES = 65536

#: MSI-X table entries a function can have (PCI: an 11-bit field plus one).
MAX_MSIX = 2048


class Endian(enum.Enum):
    """Byte order of a store's registers."""

    LITTLE = "little"
    BIG = "big"


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
class ControlWord:
    """The slot's control register and the fields in it."""

    register: Register
    mask: MaskBit
    cookies: tuple[CookieField, ...]
    span: Span


@dataclass(frozen=True)
class SlotLayout:
    """How one message lies in a slot.

    ``stride`` is the distance in bytes from one slot to the next.  ``address_hi`` is None for a
    device that takes 32-bit addresses only.  A 64-bit ``address`` register is described as two
    halves by the resolver, in the byte order of the store.
    """

    stride: int
    endian: Endian
    address_lo: Register
    address_hi: Register | None
    data: Register
    control: ControlWord
    span: Span


@dataclass(frozen=True)
class MsixStore:
    """The function's MSI-X table, managed by the PCI core."""

    name: str
    span: Span


@dataclass(frozen=True)
class IomemStore:
    """A table of slots in a BAR (IDXD-like).

    ``bar`` is 0..5; ``offset`` is in bytes from the start of the BAR; ``slots`` is the number
    of slots.
    """

    name: str
    bar: int
    offset: Size
    slots: Size
    layout: SlotLayout
    span: Span


Store = MsixStore | IomemStore


@dataclass(frozen=True)
class SpecialVector:
    """A vector with one purpose at a fixed index of its store."""

    name: str
    store: str
    index: int
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
    """Shared vectors: each CPU has its own, made on demand, ``limit`` users on each."""

    limit: int
    span: Span


@dataclass(frozen=True)
class Pool:
    """Fungible vectors over one range or several, in order of preference."""

    name: str
    purpose: str
    ranges: tuple[Range, ...]
    sharing: Sharing | None
    dedicated: bool
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
    #: Base name of the file, as shown in what is generated.
    file: str = field(default="")

    def store(self, name: str) -> Store:
        """The store of that name.  Raises KeyError: the resolver has checked every use."""
        for store in self.stores:
            if store.name == name:
                return store
        raise KeyError(name)


def to_json(value: Any) -> Any:
    """The JSON form of a model object: dataclasses become objects with a ``kind``."""
    from dataclasses import fields, is_dataclass

    if isinstance(value, Span):
        return value.as_list()
    if isinstance(value, enum.Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        body = {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
        return {"kind": type(value).__name__, **body}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    return value
