"""What a file says, as it says it: one class per rule of ``ims.lark``.

Nothing here is checked beyond the grammar.  A number whose spelling is wrong has no value
(it has been reported); a statement that could not be read is a :class:`Broken`.
"""

from __future__ import annotations

from typing import NamedTuple

from .source import Span


class Word(NamedTuple):
    """A name, a keyword or another bare word."""

    text: str
    span: Span


class Text(NamedTuple):
    """A text in quotes; ``span`` covers the quotes, ``value`` doesn't hold them."""

    value: str
    span: Span


class Number(NamedTuple):
    """A number; ``value`` is None where its spelling is wrong."""

    value: int | None
    span: Span


class Broken(NamedTuple):
    """A statement that was given up: its words as far as they were understood."""

    words: tuple[str, ...]
    span: Span


class PciIdItem(NamedTuple):
    """``pci VVVV:DDDD;``"""

    text: Word
    span: Span


class PciClassItem(NamedTuple):
    """``pci class CCCCCC;``"""

    text: Word
    span: Span


class PlatformIdItem(NamedTuple):
    """``platform "VENDOR,DEVICE";`` or ``acpi "ABCD0001";``"""

    keyword: str
    text: Text
    span: Span


class PathItem(NamedTuple):
    """``path "DIR";``"""

    text: Text
    span: Span


class MaintainerItem(NamedTuple):
    """``maintainer "NAME <MAIL>";``"""

    text: Text
    span: Span


class RemappingItem(NamedTuple):
    """``requires remapping;`` or ``remapping optional;``"""

    required: bool
    span: Span


class MinimumItem(NamedTuple):
    """``requires N vectors;``"""

    number: Number
    span: Span


class ArchitectureItem(NamedTuple):
    """``architecture NAME, NAME;``"""

    names: tuple[Word, ...]
    span: Span


class BarItem(NamedTuple):
    """``bar N;``, or ``bar runtime;`` without a number."""

    number: Number | None
    span: Span


class SizeItem(NamedTuple):
    """``offset ...;`` or ``slots ...;``: ``number``, else ``runtime`` with a maximum or not."""

    keyword: str
    number: Number | None
    maximum: Number | None
    span: Span


class TableItem(NamedTuple):
    """``table offset N slots N;``: one of the tables that a store is split over."""

    offset: Number
    slots: Number
    span: Span


class DataIndexItem(NamedTuple):
    """``data index;``"""

    span: Span


class UnmaskableItem(NamedTuple):
    """``unmaskable;``"""

    span: Span


class BitsItem(NamedTuple):
    """``mask_bits [bar N] @N [active low];`` or ``pending [bar N] @N;``"""

    keyword: str
    bar: Number | None
    offset: Number
    active_low: bool
    span: Span


class CommandCookieItem(NamedTuple):
    """``cookie NAME [optional];``: what a device command takes along."""

    name: Word
    optional: bool
    span: Span


class RegisterItem(NamedTuple):
    """``data @8 width 16;``, and the head of a control word."""

    keyword: str
    offset: Number
    width: Number | None
    span: Span


class AddressBitsItem(NamedTuple):
    """``address bits HIGH:LOW;``: all bits of an address that the device keeps."""

    high: Number
    low: Number
    span: Span


class OwnRegisterItem(NamedTuple):
    """``register NAME @N [width N];``: a register that the driver writes.

    The keyword of ``register`` is ``register NAME``: each of them is there once.
    """

    name: Word
    register: RegisterItem
    span: Span


class MaskItem(NamedTuple):
    """``mask bit N [active low];``"""

    bit: Number
    active_low: bool
    span: Span


class FlagItem(NamedTuple):
    """``NAME bit N;``: the enable bit of a cookie."""

    name: Word
    bit: Number
    span: Span


class FieldItem(NamedTuple):
    """``NAME bits HIGH:LOW USE;`` or ``NAME bit N USE;``: a field of another use than a cookie.

    ``value`` is the number of ``= N``; ``set`` has none, and no other use either.
    """

    name: Word
    high: Number
    low: Number
    use: str
    value: Number | None
    span: Span


class CookieItem(NamedTuple):
    """``NAME bits HIGH:LOW cookie [optional];``, or with ``bit N``."""

    name: Word
    high: Number
    low: Number
    optional: bool
    span: Span


class ControlItem(NamedTuple):
    """``control @N { ... }``; ``register`` spans the head without the block."""

    register: RegisterItem
    items: tuple[MaskItem | FlagItem | CookieItem | FieldItem | Broken, ...]
    span: Span


class SlotItem(NamedTuple):
    """``slot STRIDE [ENDIAN endian] { ... }``; ``head`` is everything before the block."""

    stride: Number
    big_endian: bool
    items: tuple[
        RegisterItem | AddressBitsItem | DataIndexItem | OwnRegisterItem | ControlItem | Broken, ...
    ]
    head: Span
    span: Span


class SlotNameItem(NamedTuple):
    """``slot NAME;``: the layout of that name."""

    name: Word
    span: Span


class LayoutItem(NamedTuple):
    """``slot NAME STRIDE ... { ... }`` outside of devices: a layout with a name."""

    name: Word
    slot: SlotItem
    span: Span


class PlaceItem(NamedTuple):
    """``WORD @N;``: where in the BAR a store has what the word names."""

    keyword: str
    offset: Number
    span: Span


StorePart = (
    BarItem
    | SizeItem
    | TableItem
    | BitsItem
    | PlaceItem
    | UnmaskableItem
    | CommandCookieItem
    | SlotItem
    | SlotNameItem
    | Broken
)


class StoreItem(NamedTuple):
    """``store NAME: msix;`` or ``store NAME: iomem { ... }``; ``head`` is without the block."""

    name: Word
    kind: str
    items: tuple[StorePart, ...]
    head: Span
    span: Span


class VectorItem(NamedTuple):
    """``vector NAME = STORE[INDEX] ...;``; ``place`` is ``STORE[INDEX]``.

    ``number`` is the index, the first one of an array, or the last that there can be where the
    driver passes it (``runtime``).  ``size`` and ``last`` are an array's.  Of the store's last
    one (``at_end``) ``number`` has no value.
    """

    name: Word
    store: Word
    number: Number
    place: Span
    purpose: Text | None
    context: str
    span: Span
    size: Number | None = None
    last: Number | None = None
    runtime: bool = False
    optional: bool = False
    at_end: bool = False


class SharedItem(NamedTuple):
    """``vector NAME = VECTOR ...;``: another purpose of a special vector."""

    name: Word
    vector: Word
    purpose: Text | None
    context: str
    span: Span


class RangeItem(NamedTuple):
    """``STORE``, ``STORE[A..]``, ``STORE[A..B]`` or ``STORE[A]``.

    ``last`` is None where the range goes to the store's end.
    """

    store: Word
    first: Number | None
    last: Number | None
    span: Span


class ShareItem(NamedTuple):
    """``share per cpu up to N;`` or ``share least loaded up to N;``"""

    policy: str
    limit: Number
    span: Span


class DedicatedItem(NamedTuple):
    """``dedicated;``"""

    span: Span


class ReserveItem(NamedTuple):
    """``reserve N;``"""

    number: Number
    span: Span


class ManagedItem(NamedTuple):
    """``managed;``"""

    span: Span


class CpusItem(NamedTuple):
    """``cpus node;``"""

    span: Span


PoolPart = ShareItem | DedicatedItem | ReserveItem | ManagedItem | CpusItem | Broken


class PoolItem(NamedTuple):
    """``pool NAME = RANGE + ... { ... }``; ``head`` is everything before the block."""

    name: Word
    ranges: tuple[RangeItem, ...]
    purpose: Text | None
    items: tuple[PoolPart, ...]
    head: Span
    span: Span


class MemberItem(NamedTuple):
    """``vector POOL;``, or ``vectors POOL A..B;`` with both counts."""

    pool: Word
    minimum: Number | None
    maximum: Number | None
    span: Span


class SubdeviceItem(NamedTuple):
    """``subdevice NAME max N { ... }``; ``head`` is everything before the block."""

    name: Word
    maximum: Number
    items: tuple[MemberItem | Broken, ...]
    head: Span
    span: Span


DeviceItem = (
    PciIdItem
    | PciClassItem
    | PlatformIdItem
    | PathItem
    | MaintainerItem
    | RemappingItem
    | MinimumItem
    | ArchitectureItem
    | StoreItem
    | VectorItem
    | SharedItem
    | PoolItem
    | SubdeviceItem
    | Broken
)


class DeviceDecl(NamedTuple):
    """``device NAME ["TITLE"] { ... }``; ``head`` is everything before the block."""

    name: Word
    title: Text | None
    items: tuple[DeviceItem, ...]
    head: Span
    span: Span


class IncludeItem(NamedTuple):
    """``include "FILE";``"""

    path: Text
    span: Span


class File(NamedTuple):
    """All of one file."""

    items: tuple[DeviceDecl | IncludeItem | LayoutItem | Broken, ...]
