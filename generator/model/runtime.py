"""What models of devices are made of: message stores, a PCI function, and rules.

A model is the device as its layout has it.  A carrier, as ``ims_uml.py``, brings it the accesses
of a kernel and takes the messages that it sends.  What the model sees on the way is judged: a
driver that changes a message which may be sent, or leaves a write unread, gets a finding.

Nothing but Python's library is used.  Offsets and sizes are in bytes, bits count from 0.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

#: Places of a PCI function's configuration space.
COMMAND, BARS, CAPABILITIES = 0x04, 0x10, 0x34
EXPRESS, MSI, MSIX = 0x40, 0x80, 0xA0
#: Bit of the command register without which a function sends nothing.
BUS_MASTER = 0x4
#: Bit of the device control register that starts a function level reset.
RESET = 0x8000

#: What the smallest BAR has.
PAGE = 0x1000

#: The address of messages that the carrier keeps: no bus has it.
KEPT = 1 << 64

#: Findings that are kept: whoever has more knows enough.
MOST = 1000


class Sparse:
    """Bytes that are 0 until they are written: what is not takes no memory.

    They are kept in units of ``unit`` bytes.
    """

    def __init__(self, size: int, unit: int) -> None:
        self.size, self.unit = size, unit
        self.kept: dict[int, bytearray] = {}

    def read(self, at: int, size: int) -> bytes:
        """``size`` bytes; 0 behind the end."""
        number, offset = divmod(at, self.unit)
        if offset + size <= self.unit:
            kept = self.kept.get(number)
            return bytes(kept[offset : offset + size]) if kept else bytes(size)
        parts = [self.kept.get(n, bytes(self.unit)) for n in self._units(at, size)]
        return b"".join(parts)[offset : offset + size].ljust(size, b"\0")

    def write(self, at: int, data: bytes) -> None:
        """Keep them; what reaches behind the end is lost."""
        data = data[: max(0, self.size - at)]
        for number in self._units(at, len(data)):
            kept = self.kept.setdefault(number, bytearray(self.unit))
            begin, end = max(at, number * self.unit), min(at + len(data), (number + 1) * self.unit)
            kept[begin - number * self.unit : end - number * self.unit] = data[
                begin - at : end - at
            ]

    def clear(self) -> None:
        """All are 0."""
        self.kept.clear()

    def _units(self, at: int, size: int) -> range:
        end = min(at + size, self.size)
        return range(at // self.unit, -(-end // self.unit)) if size and at < end else range(0)


@dataclass(frozen=True)
class Finding:
    """Something that a driver must not do: which rule says so, where, and in words."""

    rule: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text} ({self.rule})"


@dataclass(frozen=True)
class Field:
    """A register of a slot: its offset there, and its size."""

    offset: int
    size: int


@dataclass(frozen=True)
class Slot:
    """How a message lies in a slot.

    ``mask`` is a bit of ``control``, which masks when set or, with ``active_low``, when cleared;
    ``pending`` is one that the device sets for what it could not send.  The bits of ``kept`` have
    to be as in ``fixed`` whenever the word is written.  ``own`` are registers beside the message.
    """

    stride: int
    address_lo: Field
    data: Field
    address_hi: Field | None = None
    control: Field | None = None
    mask: int | None = None
    active_low: bool = False
    big_endian: bool = False
    pending: int | None = None
    kept: int = 0
    fixed: int = 0
    own: Mapping[str, Field] = field(default_factory=dict)

    @property
    def order(self) -> Literal["big", "little"]:
        """The byte order of the registers."""
        return "big" if self.big_endian else "little"

    @property
    def fields(self) -> dict[str, Field]:
        """The registers by their names."""
        names = ("address_lo", "address_hi", "data", "control")
        return {name: getattr(self, name) for name in names if getattr(self, name)} | dict(self.own)


@dataclass(frozen=True)
class Bits:
    """An array with a bit for each message, in 32-bit words."""

    bar: int
    offset: int
    active_low: bool = False


@dataclass(frozen=True)
class Span:
    """A part of a BAR that belongs to a store, and which part of the store that is.

    ``first`` is where it begins in what the store keeps of ``what``.
    """

    bar: int
    start: int
    length: int
    store: Slots
    what: str
    first: int = 0


@dataclass
class Register:
    """A register of the device which no store has: what reading and writing it does."""

    name: str
    read: Callable[[], int] | None = None
    write: Callable[[int], None] | None = None


class Store:
    """Where messages are.  ``slots`` of them, the first has index 0."""

    #: Whether anything keeps a message from being sent.
    maskable = True
    #: Whether the device notes messages that it could not send.
    notes = False

    def __init__(self, name: str, slots: int) -> None:
        self.name = name
        self.slots = slots
        self.pending: set[int] = set()
        self.device: Device

    def spans(self) -> list[Span]:
        """Where the store is in BARs."""
        return []

    def enabled(self) -> bool:
        """Whether the device may send any of these messages."""
        return True

    def message(self, index: int) -> tuple[int, int]:
        """Address and data."""
        raise NotImplementedError

    def masked(self, index: int) -> bool:
        """Whether a message is kept from being sent."""
        raise NotImplementedError

    def reset(self) -> None:
        """Hold what the device holds when power comes."""
        self.pending.clear()

    def held(self) -> Iterable[int]:
        """The indexes that may have a message, in their order."""
        return range(self.slots)

    def is_open(self, index: int) -> bool:
        """Whether the message would be sent."""
        if not self.enabled() or self.masked(index):
            return False
        return self.message(index)[0] != 0

    def settle(self) -> None:
        """Judge what a driver must have finished."""


class Slots(Store):
    """A store whose messages are in slots that the model keeps."""

    def __init__(self, name: str, slots: int, slot: Slot, pending: Bits | None = None) -> None:
        super().__init__(name, slots)
        self.slot = slot
        self.notes = pending is not None or slot.pending is not None
        self.cells = Sparse(slots * slot.stride, slot.stride)
        self._parts: dict[int, set[str]] = {}
        self._unread: set[tuple[str, int]] = set()
        self._messages = slot.fields.keys() - slot.own.keys() - {"control"}

    @property
    def maskable(self) -> bool:  # type: ignore[override]
        return self.slot.mask is not None

    def reset(self) -> None:
        super().reset()
        self.cells.clear()
        self._parts.clear()
        self._unread.clear()

    def held(self) -> Iterable[int]:
        return sorted(self.cells.kept)

    def value(self, index: int, name: str) -> int:
        """What a register of a slot holds; 0 where there is none."""
        part = self.slot.fields.get(name)
        if part is None:
            return 0
        data = self._bytes(index * self.slot.stride + part.offset, part.size)
        return int.from_bytes(data, self.slot.order)

    def message(self, index: int) -> tuple[int, int]:
        high = self.value(index, "address_hi")
        return high << 32 | self.value(index, "address_lo"), self.value(index, "data")

    def masked(self, index: int) -> bool:
        if self.slot.mask is None:
            return False
        return bool(self.value(index, "control") >> self.slot.mask & 1) != self.slot.active_low

    def torn(self, index: int) -> bool:
        """Whether only a part of a message has been written."""
        return bool(self._parts.get(index))

    def settle(self) -> None:
        for what, at in sorted(self._unread):
            name = f"{self.name}[{at}]" if what == "slots" else f"{self.name}.{what}[{at}]"
            self.device.found("read back", name, "written, and not read back")
        self._unread.clear()

    # --- accesses: ``at`` is in the bytes of ``what`` ---------------------------------------------

    def place(self, what: str, at: int, size: int) -> tuple[str, str]:
        """What an access reaches: its name, and that of the register, empty if there is none."""
        if what != "slots":
            exact = at % 4 == 0 and size == 4
            return f"{self.name}.{what}[{at // 4}]", what if exact else ""
        index, offset = divmod(at, self.slot.stride)
        for name, part in self.slot.fields.items():
            if (part.offset, part.size) == (offset, size):
                return f"{self.name}[{index}].{name}", name
            # A 64-bit address may be written at once.
            halves = self.slot.address_hi, self.slot.address_lo
            if name == "address_lo" and part.size == 4 and size == 8 and None not in halves:
                first, second = sorted(half.offset for half in halves if half)
                if first == offset and second == first + 4:
                    return f"{self.name}[{index}].address", "address"
        return f"{self.name}[{index}]+{offset:#x}", ""

    def read(self, what: str, at: int, size: int) -> bytes:
        """What a driver reads."""
        if what == "slots":
            index, offset = divmod(at, self.slot.stride)
            self._unread.discard((what, index))
            data = bytearray(self._bytes(at, size))
            control, bit = self.slot.control, self.slot.pending
            if index in self.pending and bit is not None and control is not None:
                byte = bit // 8 if not self.slot.big_endian else control.size - 1 - bit // 8
                if 0 <= control.offset + byte - offset < size:
                    data[control.offset + byte - offset] |= 1 << bit % 8
            return bytes(data)
        return self._bits_of(self.pending, at, size)

    def write(self, what: str, at: int, data: bytes) -> None:
        """What a driver writes, judged."""
        if what != "slots":
            name = self.place(what, at, len(data))[0]
            self.device.found("outside", name, "written, and can only be read")
            return
        index = at // self.slot.stride
        register = self.place(what, at, len(data))[1]
        was_masked = self.masked(index)
        self.cells.write(at, data)
        self._unread.add((what, index))
        if register == "control":
            value = int.from_bytes(data, self.slot.order)
            if value & self.slot.kept != self.slot.fixed:
                text = f"control word {value:#x} without what it always has"
                self.device.found("fixed", f"{self.name}[{index}]", text)
        elif register in self._messages or register == "address":
            if self.maskable and not was_masked:
                text = "message changed while unmasked"
                self.device.found("unmasked", f"{self.name}[{index}]", text)
            parts = self._parts.setdefault(index, set())
            parts |= {"address_lo", "address_hi"} if register == "address" else {register}
            if parts == self._messages:
                parts.clear()
        if was_masked and not self.masked(index):
            self._opened(index)

    def _opened(self, index: int) -> None:
        name = f"{self.name}[{index}]"
        if self.torn(index):
            self.device.found("torn", name, "open with a part of a message")
        elif not self.message(index)[0]:
            self.device.found("empty", name, "open without a message")
        self.device.unmasked(self, index)

    def _bytes(self, at: int, size: int) -> bytes:
        return self.cells.read(at, size)

    def _bits_of(self, indexes: Iterable[int], at: int, size: int) -> bytes:
        """``size`` bytes of an array with the bits of ``indexes`` set."""
        bits = bytearray(size)
        for index in indexes:
            byte = index // 32 * 4
            byte += 3 - index % 32 // 8 if self.slot.big_endian else index % 32 // 8
            if at <= byte < at + size:
                bits[byte - at] |= 1 << index % 8
        return bytes(bits)


class Iomem(Slots):
    """Slots in a BAR: in one table or several, each with an offset and its number of slots."""

    def __init__(
        self,
        name: str,
        slot: Slot,
        bar: int,
        tables: Sequence[tuple[int, int]],
        mask_bits: Bits | None = None,
        pending: Bits | None = None,
    ) -> None:
        super().__init__(name, sum(slots for _, slots in tables), slot, pending)
        self.bar, self.tables = bar, tuple(tables)
        self.mask_bits, self.pending_bits = mask_bits, pending
        #: Which bits of that array are set.
        self._set_bits: set[int] = set()

    @property
    def maskable(self) -> bool:  # type: ignore[override]
        return self.slot.mask is not None or self.mask_bits is not None

    def reset(self) -> None:
        super().reset()
        self._set_bits.clear()

    def spans(self) -> list[Span]:
        out, first = [], 0
        for offset, slots in self.tables:
            length = slots * self.slot.stride
            out.append(Span(self.bar, offset, length, self, "slots", first))
            first += length
        size = -(-self.slots // 32) * 4
        for what, bits in (("mask_bits", self.mask_bits), ("pending", self.pending_bits)):
            if bits:
                out.append(Span(bits.bar, bits.offset, size, self, what))
        return out

    def masked(self, index: int) -> bool:
        if self.mask_bits:
            return (index in self._set_bits) != self.mask_bits.active_low
        return super().masked(index)

    def read(self, what: str, at: int, size: int) -> bytes:
        if what != "mask_bits" or self.mask_bits is None:
            return super().read(what, at, size)
        # All writes to the array are through when one of its words is read.
        self._unread = {key for key in self._unread if key[0] != what}
        return self._bits_of(self._set_bits, at, size)

    def write(self, what: str, at: int, data: bytes) -> None:
        if what != "mask_bits" or self.mask_bits is None:
            super().write(what, at, data)
            return
        self._unread.add((what, at // 4))
        value = int.from_bytes(data, self.slot.order)
        for bit in range(8 * len(data)):
            index = 8 * at + bit
            if index < self.slots:
                was_masked = self.masked(index)
                (self._set_bits.add if value >> bit & 1 else self._set_bits.discard)(index)
                if was_masked and not self.masked(index):
                    self._opened(index)


class Msix(Iomem):
    """The MSI-X table, all of whose entries are masked at first, and its pending bits.

    The PCI core writes it, so it is judged by nothing.
    """

    #: Where the carrier keeps the table itself, the entries that it takes.
    kept: set[int] | None = None

    def __init__(self, name: str, slots: int, bar: int) -> None:
        slot = Slot(16, Field(0, 4), Field(8, 4), Field(4, 4), Field(12, 4), mask=0)
        self.pending_at = (slots * 16 + 7) // 8 * 8
        super().__init__(name, slot, bar, ((0, slots),), pending=Bits(bar, self.pending_at))

    def reset(self) -> None:
        super().reset()
        for index in range(self.slots):
            self.cells.write(16 * index + 12, b"\1")

    def settle(self) -> None:
        self._unread.clear()

    def _opened(self, index: int) -> None:
        self.device.unmasked(self, index)

    def keep(self, index: int, taken: bool) -> None:
        """As :meth:`Device.keep` has it."""
        kept = self.kept = self.kept or set()
        if not taken:
            kept.discard(index)
        elif index not in kept:
            kept.add(index)
            self.device.unmasked(self, index)

    def held(self) -> Iterable[int]:
        return super().held() if self.kept is None else sorted(self.kept)

    def message(self, index: int) -> tuple[int, int]:
        if self.kept is None:
            return super().message(index)
        return (KEPT, index) if index in self.kept else (0, 0)

    def _control(self) -> int:
        return self.device.config[MSIX + 3]

    def enabled(self) -> bool:
        return bool(self._control() & 0x80)

    def masked(self, index: int) -> bool:
        masked = super().masked(index) if self.kept is None else index not in self.kept
        return masked or bool(self._control() & 0x40)


class Msi(Store):
    """The function's MSI capability: one address, and data that differ in their low bits."""

    notes = True

    def enabled(self) -> bool:
        return bool(self.device.config[MSI + 2] & 1)

    def _granted(self) -> int:
        return 1 << (self.device.config[MSI + 2] >> 4 & 7)

    def message(self, index: int) -> tuple[int, int]:
        config, granted = self.device.config, self._granted()
        address = int.from_bytes(config[MSI + 4 : MSI + 12], "little")
        data = int.from_bytes(config[MSI + 12 : MSI + 14], "little")
        return (address, data & -granted | index) if index < granted else (0, 0)

    def masked(self, index: int) -> bool:
        return bool(self.device.config[MSI + 16 + index // 8] >> index % 8 & 1)


class Indirect(Slots):
    """Slots that show one at a time, the one whose index is in the select register."""

    def __init__(self, name: str, slot: Slot, slots: int, bar: int, select: int, window: int):
        super().__init__(name, slots, slot)
        self.bar, self.select, self.window = bar, select, window
        self.selected = 0

    def reset(self) -> None:
        super().reset()
        self.selected = 0

    def spans(self) -> list[Span]:
        stride = self.slot.stride
        return [
            Span(self.bar, self.select, 4, self, "select"),
            Span(self.bar, self.window, stride, self, "window"),
        ]

    def place(self, what: str, at: int, size: int) -> tuple[str, str]:
        if what == "select":
            return f"{self.name}.select", what if (at, size) == (0, 4) else ""
        shown = self.selected * self.slot.stride if what == "window" else 0
        return super().place("slots", shown + at, size)

    def read(self, what: str, at: int, size: int) -> bytes:
        if what == "select":
            return self.selected.to_bytes(4, self.slot.order)[at : at + size]
        if self.selected >= self.slots:
            return bytes(size)
        return super().read("slots", self.selected * self.slot.stride + at, size)

    def write(self, what: str, at: int, data: bytes) -> None:
        if what == "select":
            self.selected = int.from_bytes(data, self.slot.order)
            if self.selected >= self.slots:
                text = f"slot {self.selected} is selected, and there are {self.slots}"
                self.device.found("outside", f"{self.name}.select", text)
        elif self.selected < self.slots:
            super().write("slots", self.selected * self.slot.stride + at, data)


class Memory(Slots):
    """Slots in system memory, which the device fetches; ``base`` is where, once it is told.

    Changes there are not seen, so nothing but what is sent is judged.
    """

    base: int | None = None

    def reset(self) -> None:
        super().reset()
        self.base = None

    def enabled(self) -> bool:
        return self.base is not None

    def held(self) -> Iterable[int]:
        return range(self.slots)

    def _bytes(self, at: int, size: int) -> bytes:
        return bytes(size) if self.base is None else self.device.fetch(self.base + at, size)


class Told(Store):
    """Messages that the device is told one by one."""

    def __init__(self, name: str, slots: int) -> None:
        super().__init__(name, slots)
        self.cookies: dict[int, dict[str, int]] = {}
        self._told: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()

    def reset(self) -> None:
        super().reset()
        self.cookies.clear()
        self._told.clear()
        self._open.clear()

    def tell(
        self, index: int, address: int, data: int, masked: bool = False, **cookies: int
    ) -> None:
        """What a message is to be from now on."""
        if not 0 <= index < self.slots:
            text = f"there are {self.slots} messages"
            self.device.found("outside", f"{self.name}[{index}]", text)
            return
        self._told[index] = address, data
        self.cookies[index] = cookies
        opened = not masked and index not in self._open
        (self._open.discard if masked else self._open.add)(index)
        if opened and self.maskable:
            if not address:
                self.device.found("empty", f"{self.name}[{index}]", "open without a message")
            self.device.unmasked(self, index)

    def held(self) -> Iterable[int]:
        return sorted(self._told)

    def message(self, index: int) -> tuple[int, int]:
        return self._told.get(index, (0, 0))

    def masked(self, index: int) -> bool:
        return index not in self._open


class Command(Told):
    """Messages that only a command changes: the author calls :meth:`tell` for each of them."""


class Exported(Told):
    """Messages that a peer sends: :meth:`tell` is called when it is told one."""

    maskable = False


class Device:
    """A PCI function with its stores.

    An author says what the device's own registers do: :meth:`register`, in :meth:`setup`.
    """

    name = "device"
    #: Vendor, device and class code, the latter of 24 bits.
    vendor, device, pci_class = 0x1AF4, 0x0001, 0xFF0000
    #: Least sizes of BARs, by their numbers.
    bars: Mapping[int, int] = MappingProxyType({})
    #: Special vectors: their names by store and index.
    vectors: Mapping[tuple[str, int], str] = MappingProxyType({})

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.findings: list[Finding] = []
        self.sent: Counter[tuple[str, int]] = Counter()
        self.acknowledged: Counter[int] = Counter()
        self.is_gone = False
        #: A function that takes a line of the trace, as a dictionary.
        self.trace: Callable[[dict[str, Any]], None] | None = None
        #: What a carrier brings: how a message is sent, False if nobody takes messages to that
        #: address, and how memory is read.
        self.deliver: Callable[[int, int], bool] = lambda address, data: True
        self.memory: Callable[[int, int], bytes] = lambda address, size: bytes(size)
        self.registers: dict[tuple[int, int], Register] = {}
        self._drops: Counter[tuple[str, int]] = Counter()
        self.stores = {store.name: store for store in self.make()}
        for store in self.stores.values():
            store.device = self
        self.spans = [span for store in self.stores.values() for span in store.spans()]
        self.sizes = self._sizes()
        self.space = {bar: Sparse(size, PAGE) for bar, size in self.sizes.items()}
        self.setup()
        self._power()

    # --- what a model says ----------------------------------------------------------------------

    def make(self) -> Sequence[Store]:
        """The stores."""
        return ()

    def setup(self) -> None:
        """Registers of the device's own."""

    def register(
        self,
        bar: int,
        offset: int,
        name: str,
        read: Callable[[], int] | None = None,
        write: Callable[[int], None] | None = None,
    ) -> None:
        """A 32-bit register: its name, and what reading or writing it does beside memory."""
        self.registers[bar, offset] = Register(name, read, write)

    def word(self, bar: int, offset: int) -> int:
        """What a register of the device's own holds: what was written last."""
        return int.from_bytes(self.space[bar].read(offset, 4), "little")

    def doorbell(self, bar: int, offset: int, name: str = "doorbell") -> None:
        """A register to which handlers write the number of what they have seen."""

        def ring(value: int) -> None:
            self.acknowledged[value] += 1

        self.register(bar, offset, name, write=ring)

    def on_reset(self) -> None:
        """What else a reset does."""

    # --- configuration space --------------------------------------------------------------------

    def _sizes(self) -> dict[int, int]:
        sizes = dict(self.bars)
        for span in self.spans:
            sizes[span.bar] = max(sizes.get(span.bar, PAGE), span.start + span.length)
        made = {bar: 1 << (max(size, PAGE) - 1).bit_length() for bar, size in sizes.items()}
        for bar, size in made.items():
            if size > 1 << 31:
                raise ValueError(f"BAR {bar} would have {size:,} bytes, and has 2 GiB at most here")
        return made

    def _power(self) -> None:
        """Everything as it is when power comes."""
        config = self.config = bytearray(4096)
        writable = self._writable = bytearray(4096)

        def put(at: int, value: int, size: int, mask: int = 0) -> None:
            config[at : at + size] = value.to_bytes(size, "little")
            writable[at : at + size] = mask.to_bytes(size, "little")

        put(0, self.vendor, 2)
        put(2, self.device, 2)
        put(COMMAND, 0, 2, 0x0546)
        put(6, 0x10, 2)
        put(9, self.pci_class, 3)
        for bar, size in self.sizes.items():
            put(BARS + 4 * bar, 0, 4, -size & 0xFFFFFFFF)
        put(0x2C, self.vendor, 2)
        put(0x2E, self.device, 2)
        put(0x3C, 0, 1, 0xFF)
        # An endpoint beside the root, so that it needs no link; it can be reset by itself.
        capabilities = [(EXPRESS, 0x10)]
        put(EXPRESS + 2, 0x92, 2)
        put(EXPRESS + 4, 1 << 28, 4)
        put(EXPRESS + 8, 0, 2, 0x7FFF)
        for store in self.stores.values():
            if isinstance(store, Msix):
                capabilities.append((MSIX, 0x11))
                put(MSIX + 2, store.slots - 1, 2, 0xC000)
                put(MSIX + 4, store.bar, 4)
                put(MSIX + 8, store.pending_at | store.bar, 4)
            elif isinstance(store, Msi):
                capabilities.append((MSI, 0x05))
                put(MSI + 2, 0x180 | (store.slots.bit_length() - 1) << 1, 2, 0x71)
                put(MSI + 4, 0, 8, (1 << 64) - 4)
                put(MSI + 12, 0, 2, 0xFFFF)
                put(MSI + 16, 0, 4, (1 << store.slots) - 1)
        at = CAPABILITIES
        for place, number in capabilities:
            config[at] = place
            config[place] = number
            at = place + 1
        for store in self.stores.values():
            store.reset()
        for space in self.space.values():
            space.clear()
        self._drops.clear()
        self.on_reset()

    def config_read(self, at: int, size: int) -> bytes:
        """What the kernel reads of configuration space."""
        with self.lock:
            data = b"\xff" * size if self.is_gone else bytes(self.config[at : at + size])
            return data.ljust(size, b"\0")

    def config_write(self, at: int, data: bytes) -> None:
        """What it writes there."""
        with self.lock:
            self._note(op="config", at=at, size=len(data), value=int.from_bytes(data, "little"))
            if self.is_gone:
                return
            for place, byte in enumerate(data, at):
                if place < len(self.config):
                    mask = self._writable[place]
                    self.config[place] = self.config[place] & ~mask | byte & mask
            control = EXPRESS + 8
            if at <= control + 1 < at + len(data) and data[control + 1 - at] & RESET >> 8:
                self._note(op="forget")
                self._power()
            else:
                self._released()

    def _released(self) -> None:
        """Send what waited for a bit in configuration space."""
        if self.config[COMMAND] & BUS_MASTER:
            for store in self.stores.values():
                for index in sorted(store.pending):
                    if store.is_open(index):
                        self.unmasked(store, index)

    # --- accesses -------------------------------------------------------------------------------

    def read(self, bar: int, at: int, size: int) -> bytes:
        """What the kernel reads of a BAR."""
        with self.lock:
            name, span, register, exact = self._place(bar, at, size)
            if self.is_gone:
                data = b"\xff" * size
            elif span is not None:
                self._judge(name, exact, "read")
                inside = min(size, span.start + span.length - at)
                data = span.store.read(span.what, span.first + at - span.start, inside)
                data = data.ljust(size, b"\0")
            elif register is not None and register.read is not None and size == 4:
                data = register.read().to_bytes(4, "little")
            else:
                data = self.space[bar].read(at, size) if bar in self.space else bytes(size)
            value = int.from_bytes(data, "little")
            self._note(op="read", bar=bar, at=at, size=size, value=value, name=name)
            return data

    def write(self, bar: int, at: int, data: bytes) -> None:
        """What it writes there."""
        with self.lock:
            name, span, register, exact = self._place(bar, at, len(data))
            value = int.from_bytes(data, "little")
            self._note(op="write", bar=bar, at=at, size=len(data), value=value, name=name)
            if self.is_gone:
                return
            if span is not None:
                self._judge(name, exact, "written")
                # What reaches behind its end does nothing there.
                data = data[: span.start + span.length - at]
                span.store.write(span.what, span.first + at - span.start, data)
                return
            if bar in self.space:
                self.space[bar].write(at, data)
            if register is not None and register.write is not None:
                register.write(value)

    def _place(
        self, bar: int, at: int, size: int
    ) -> tuple[str, Span | None, Register | None, bool]:
        """What an access reaches: its name, whose it is, and whether it is that exactly."""
        for span in self.spans:
            if span.bar == bar and span.start <= at < span.start + span.length:
                name, register = span.store.place(span.what, span.first + at - span.start, size)
                return name, span, None, bool(register)
        own = self.registers.get((bar, at))
        return own.name if own else f"bar{bar}+{at:#x}", None, own, True

    def _judge(self, name: str, exact: bool, what: str) -> None:
        if not exact:
            self.found("outside", name, f"{what}, and no register of the layout")

    def fetch(self, address: int, size: int) -> bytes:
        """What the device reads of the system's memory."""
        data = self.memory(address, size)
        self._note(op="fetch", at=address, size=size, value=int.from_bytes(data, "little"))
        return data

    # --- what the device does -------------------------------------------------------------------

    def send(self, store: str, index: int) -> str:
        """Something has happened: send message ``index`` of a store, and say what became of it.

        "sent", "pending" (sent when it may be), "masked" (lost, as the layout has no pending bits),
        "empty" (no message there), "off" (not enabled, or no bus master), "dropped" or "gone".
        """
        with self.lock:
            return self._send(self.stores[store], index, False)

    def _send(self, store: Store, index: int, waited: bool) -> str:
        outcome, (address, data) = self._try(store, index)
        name = f"{store.name}[{index}]"
        line = {"name": name, "outcome": outcome, "address": address, "data": data}
        self._note(op="send", **line, **({"waited": True} if waited else {}))
        return outcome

    def _try(self, store: Store, index: int) -> tuple[str, tuple[int, int]]:
        key, nothing = (store.name, index), (0, 0)
        if self.is_gone:
            return "gone", nothing
        if self._drops[key]:
            self._drops[key] -= 1
            return "dropped", nothing
        if not store.enabled():
            return "off", nothing
        masked, master = store.masked(index), self.config[COMMAND] & BUS_MASTER
        if store.notes and (masked or not master):
            store.pending.add(index)
            return "pending", nothing
        if masked or not master:
            return "masked" if masked else "off", nothing
        message = store.message(index)
        if not message[0]:
            return "empty", nothing
        if isinstance(store, Slots) and store.torn(index):
            self.found("torn", f"{store.name}[{index}]", "a part of a message is sent")
        self.sent[key] += 1
        if self.deliver(*message) is False:
            text = f"its message goes to {message[0]:#x}, where nobody takes any"
            self.found("address", f"{store.name}[{index}]", text)
        return "sent", message

    def unmasked(self, store: Store, index: int) -> None:
        """A message may be sent again: send what has waited for that."""
        if index in store.pending:
            store.pending.discard(index)
            self._send(store, index, True)

    def stream(self, names: Sequence[tuple[str, int]], count: int, rate: float = 0) -> Counter[str]:
        """Send ``count`` messages, one of ``names`` after the other; ``rate`` a second, 0: at once.

        How often which outcome there was.  Without names nothing is sent.
        """
        outcomes: Counter[str] = Counter()
        begin = time.monotonic()
        for number in range(count if names else 0):
            if rate:
                time.sleep(max(0.0, begin + number / rate - time.monotonic()))
            outcomes[self.send(*names[number % len(names)])] += 1
        return outcomes

    def reset(self) -> None:
        """Forget everything, as a function level reset does."""
        with self.lock:
            self._note(op="reset")
            self._power()

    def wipe(self, store: str) -> None:
        """Lose what a store holds, as a device does that loses power without saying so."""
        with self.lock:
            self._note(op="wipe", name=store)
            self.stores[store].reset()

    def drop(self, store: str, index: int, count: int = 1) -> None:
        """Lose the next ``count`` messages of one slot."""
        with self.lock:
            self._note(op="drop", name=f"{store}[{index}]", count=count)
            self._drops[store, index] += count

    def keep(self, store: str, index: int, taken: bool) -> None:
        """The carrier keeps the table of MSI-X: it takes this message now, or takes it no more."""
        with self.lock:
            table = self.stores[store]
            if isinstance(table, Msix):
                self._note(op="keep", name=f"{store}[{index}]", taken=taken)
                table.keep(index, taken)

    def gone(self) -> None:
        """Be taken away: reads give ones, and writes go nowhere."""
        with self.lock:
            self._note(op="gone")
            self.is_gone = True

    def back(self) -> None:
        """Come back, as when power comes."""
        with self.lock:
            self._note(op="back")
            self.is_gone = False
            self._power()

    # --- rules ----------------------------------------------------------------------------------

    def found(self, rule: str, name: str, text: str) -> None:
        """Note a finding, once."""
        finding = Finding(rule, name, text)
        if len(self.findings) < MOST and finding not in self.findings:
            self.findings.append(finding)
            self._note(op="finding", name=name, rule=rule, text=text)

    def settle(self) -> None:
        """Judge what a driver has finished by now.  Call it when the guest does nothing."""
        with self.lock:
            for store in self.stores.values():
                store.settle()

    def open_messages(self) -> list[tuple[str, int]]:
        """Store and index of what the device would send."""
        with self.lock:
            return [
                (store.name, index)
                for store in self.stores.values()
                for index in store.held()
                if store.is_open(index)
            ]

    def judge_empty(self) -> None:
        """No driver has the device: whatever it would send is one finding each."""
        for name, index in self.open_messages():
            self.found("left", f"{name}[{index}]", "left open, and nobody has the device")

    def _note(self, **line: Any) -> None:
        if self.trace is not None:
            self.trace(line)


def replay(device: Device, lines: Iterable[str]) -> list[str]:
    """Do again what a trace has, without a guest; what came out differently, a line each."""
    different: list[str] = []
    # Whoever asks a model what is open has it fetch, too, and is not in the trace.
    fetched: dict[tuple[int, int], bytes] = {}
    device.memory = lambda address, size: fetched.get((address, size), bytes(size))
    for number, text in enumerate(lines, 1):
        line = json.loads(text)
        op, name = line["op"], line.get("name", "")
        got: object = None
        if op in ("write", "config", "fetch"):
            data = line["value"].to_bytes(line["size"], "little")
            if op == "write":
                device.write(line["bar"], line["at"], data)
            elif op == "config":
                device.config_write(line["at"], data)
            else:
                fetched[line["at"], line["size"]] = data
        elif op == "read":
            value = int.from_bytes(device.read(line["bar"], line["at"], line["size"]), "little")
            got = value if value != line["value"] else None
        elif op in ("send", "drop", "keep"):
            store, _, index = name.rstrip("]").partition("[")
            if op == "keep":
                device.keep(store, int(index), line["taken"])
            elif op == "drop":
                device.drop(store, int(index), line["count"])
            elif not line.get("waited"):
                outcome = device.send(store, int(index))
                got = outcome if outcome != line["outcome"] else None
        elif op == "wipe":
            device.wipe(name)
        elif op in ("reset", "gone", "back"):
            getattr(device, op)()
        if got is not None:
            different.append(f"line {number}: {op} {name}: {got}")
    return different


def writer(path: str) -> Callable[[dict[str, Any]], None]:
    """A trace that goes into a file, a line of JSON each."""
    file = open(path, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
    return lambda line: print(json.dumps(line), file=file)
