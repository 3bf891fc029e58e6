"""What the KUnit suite of a device is told of its message store: from the datasheet, not the C."""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes of slots that a fake device has at most, unless the layout fixes their number.
MAX_TABLE = 1 << 20

#: Where a table is whose offset the driver passes: a multiple of what it has to be aligned to.
BASE = 0x400

#: The BAR of slots where the driver passes which one that is.
BIR = 4

#: BARs follow each other in the memory of the fake device at multiples of this.
PAGE = 0x1000

#: Names and values: parameters of the driver, or initialisers.
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FakeCookie:
    """What a message carries along, and more initialisers of its description."""

    name: str
    optional: bool
    limit: int
    place: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where the fake device has the parts of a store: offsets in its one memory, in bytes."""

    #: Of what is mapped, by the parameters of the driver.
    mapped: dict[str, int]
    #: Of the part that can be anywhere.
    loose: int


@dataclass(frozen=True)
class Fake:
    """A message store of the fake device, all of whose BARs are in one memory."""

    #: Where messages are, as enum ims_layout_kind has it.
    kind: str
    #: What the driver passes: the same always, or an expression that depends on the fake.
    constants: Pairs = ()
    assigned: Pairs = ()
    #: Whether it passes which BAR the slots are in.
    asks_bir: bool = False
    #: Where the slots are, if the driver passes that.
    offset: int | None = None
    #: Offset and number of slots of each table.
    tables: tuple[tuple[int, int], ...] = ()
    #: Initialisers of struct ims_layout that other kinds don't have.
    layout: Pairs = ()
    #: Arrays of struct ims_fake_params, and the values of an element for it.
    machine: Pairs = ()


def pages(end: int) -> int:
    """The first byte of the next page at or behind ``end``."""
    return -(-end // PAGE) * PAGE
