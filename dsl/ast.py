"""What a file says, as it says it: one class per rule of ``ims.lark``.

Nothing here is checked beyond the grammar.  A number whose spelling is wrong has no value
(it has been reported); a statement that could not be read is a :class:`Broken`.
"""

from __future__ import annotations

from .records import dataclass
from .source import Span


@dataclass(frozen=True)
class Word:
    """A name, a keyword or another bare word."""

    text: str
    span: Span


@dataclass(frozen=True)
class Text:
    """A text in quotes; ``span`` covers the quotes, ``value`` doesn't hold them."""

    value: str
    span: Span


@dataclass(frozen=True)
class Number:
    """A number; ``value`` is None where its spelling is wrong."""

    value: int | None
    span: Span


@dataclass(frozen=True)
class Broken:
    """A statement that was given up: its words as far as they were understood."""

    words: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class PciIdItem:
    """``pci VVVV:DDDD;``"""

    text: Word
    span: Span


@dataclass(frozen=True)
class PciClassItem:
    """``pci class CCCCCC;``"""

    text: Word
    span: Span


@dataclass(frozen=True)
class PathItem:
    """``path "DIR";``"""

    text: Text
    span: Span


@dataclass(frozen=True)
class MaintainerItem:
    """``maintainer "NAME <MAIL>";``"""

    text: Text
    span: Span


@dataclass(frozen=True)
class RemappingItem:
    """``requires remapping;`` or ``remapping optional;``"""

    required: bool
    span: Span


@dataclass(frozen=True)
class MinimumItem:
    """``requires N vectors;``"""

    number: Number
    span: Span


@dataclass(frozen=True)
class ArchitectureItem:
    """``architecture NAME, NAME;``"""

    names: tuple[Word, ...]
    span: Span


@dataclass(frozen=True)
class BarItem:
    """``bar N;``"""

    number: Number
    span: Span


@dataclass(frozen=True)
class SizeItem:
    """``offset ...;`` or ``slots ...;``: ``number``, else ``runtime`` with a maximum or not."""

    keyword: str
    number: Number | None
    maximum: Number | None
    span: Span


@dataclass(frozen=True)
class TableItem:
    """``table offset N slots N;``: one of the tables that a store is split over."""

    offset: Number
    slots: Number
    span: Span


@dataclass(frozen=True)
class BitsItem:
    """``mask_bits [bar N] @N [active low];`` or ``pending [bar N] @N;``"""

    keyword: str
    bar: Number | None
    offset: Number
    active_low: bool
    span: Span


@dataclass(frozen=True)
class CommandCookieItem:
    """``cookie NAME [optional];``: what a device command takes along."""

    name: Word
    optional: bool
    span: Span


@dataclass(frozen=True)
class RegisterItem:
    """``data @8 width 16;``, and the head of a control word."""

    keyword: str
    offset: Number
    width: Number | None
    span: Span


@dataclass(frozen=True)
class MaskItem:
    """``mask bit N [active low];``"""

    bit: Number
    active_low: bool
    span: Span


@dataclass(frozen=True)
class FlagItem:
    """``NAME bit N;``: the enable bit of a cookie."""

    name: Word
    bit: Number
    span: Span


@dataclass(frozen=True)
class CookieItem:
    """``NAME bits HIGH:LOW cookie [optional];``"""

    name: Word
    high: Number
    low: Number
    optional: bool
    span: Span


@dataclass(frozen=True)
class ControlItem:
    """``control @N { ... }``; ``register`` spans the head without the block."""

    register: RegisterItem
    items: tuple[MaskItem | FlagItem | CookieItem | Broken, ...]
    span: Span


@dataclass(frozen=True)
class SlotItem:
    """``slot STRIDE [ENDIAN endian] { ... }``; ``head`` is everything before the block."""

    stride: Number
    big_endian: bool
    items: tuple[RegisterItem | ControlItem | Broken, ...]
    head: Span
    span: Span


@dataclass(frozen=True)
class SlotNameItem:
    """``slot NAME;``: the layout of that name."""

    name: Word
    span: Span


@dataclass(frozen=True)
class LayoutItem:
    """``slot NAME STRIDE ... { ... }`` outside of devices: a layout with a name."""

    name: Word
    slot: SlotItem
    span: Span


StorePart = (
    BarItem | SizeItem | TableItem | BitsItem | CommandCookieItem | SlotItem | SlotNameItem | Broken
)


@dataclass(frozen=True)
class StoreItem:
    """``store NAME: msix;`` or ``store NAME: iomem { ... }``; ``head`` is without the block."""

    name: Word
    kind: str
    items: tuple[StorePart, ...]
    head: Span
    span: Span


@dataclass(frozen=True)
class VectorItem:
    """``vector NAME = STORE[INDEX] ...;``; ``place`` is ``STORE[INDEX]``."""

    name: Word
    store: Word
    index: Number
    place: Span
    purpose: Text | None
    context: str
    span: Span


@dataclass(frozen=True)
class RangeItem:
    """``STORE``, ``STORE[A..]``, ``STORE[A..B]`` or ``STORE[A]``.

    ``last`` is None where the range goes to the store's end.
    """

    store: Word
    first: Number | None
    last: Number | None
    span: Span


@dataclass(frozen=True)
class ShareItem:
    """``share per cpu up to N;`` or ``share least loaded up to N;``"""

    policy: str
    limit: Number
    span: Span


@dataclass(frozen=True)
class DedicatedItem:
    """``dedicated;``"""

    span: Span


@dataclass(frozen=True)
class ReserveItem:
    """``reserve N;``"""

    number: Number
    span: Span


@dataclass(frozen=True)
class ManagedItem:
    """``managed;``"""

    span: Span


@dataclass(frozen=True)
class CpusItem:
    """``cpus node;``"""

    span: Span


PoolPart = ShareItem | DedicatedItem | ReserveItem | ManagedItem | CpusItem | Broken


@dataclass(frozen=True)
class PoolItem:
    """``pool NAME = RANGE + ... { ... }``; ``head`` is everything before the block."""

    name: Word
    ranges: tuple[RangeItem, ...]
    purpose: Text | None
    items: tuple[PoolPart, ...]
    head: Span
    span: Span


@dataclass(frozen=True)
class MemberItem:
    """``vector POOL;``, or ``vectors POOL A..B;`` with both counts."""

    pool: Word
    minimum: Number | None
    maximum: Number | None
    span: Span


@dataclass(frozen=True)
class SubdeviceItem:
    """``subdevice NAME max N { ... }``; ``head`` is everything before the block."""

    name: Word
    maximum: Number
    items: tuple[MemberItem | Broken, ...]
    head: Span
    span: Span


DeviceItem = (
    PciIdItem
    | PciClassItem
    | PathItem
    | MaintainerItem
    | RemappingItem
    | MinimumItem
    | ArchitectureItem
    | StoreItem
    | VectorItem
    | PoolItem
    | SubdeviceItem
    | Broken
)


@dataclass(frozen=True)
class DeviceDecl:
    """``device NAME ["TITLE"] { ... }``; ``head`` is everything before the block."""

    name: Word
    title: Text | None
    items: tuple[DeviceItem, ...]
    head: Span
    span: Span


@dataclass(frozen=True)
class IncludeItem:
    """``include "FILE";``"""

    path: Text
    span: Span


@dataclass(frozen=True)
class File:
    """All of one file."""

    items: tuple[DeviceDecl | IncludeItem | LayoutItem | Broken, ...]
