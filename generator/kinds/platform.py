"""Messages of platform devices, all of which are allocated at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imsgen.dsl.model import (
    Device,
    Endian,
    PassedStore,
    Register,
    RegistersStore,
    Size,
    SlotLayout,
    Store,
)

from ..views.parts import Line, listed, sized
from ..views.stores import PlatformView, StoreView
from .base import Kind, Param
from .fake import BASE, Fake, Place
from .linked import InCode, Part, slot_parts, table_parts
from .registers import RegisterKind

#: A message in the memory of the fake device, where a driver passes messages on, in bytes.
PASSED = 16

#: Slots of the fake device, where the driver passes their number.
FEW = 64


@dataclass(frozen=True)
class RegistersView:
    """What the templates of messages in registers see."""

    #: Offset and number of slots of each table.
    tables: tuple[Line, ...]
    #: The bits that the device keeps of an address; empty for all.
    address_bits: str
    #: Whether all messages have one address, and their index as data.
    one_address: bool


class Platform(Kind):
    """Messages which the glue's own write_msi_msg() is told of."""

    #: The template of what touches them.
    touches = ""
    #: What reaches them, a member of the device's struct: its name, and how it is declared.
    handle: Line
    #: Its place among the device's stores: there is no other one.
    number = 0
    #: How many messages there can be.
    size: Size

    @property
    def most(self) -> int:
        """Messages that are allocated at most: those that there is a use for."""
        ranges = [r for pool in self.pools for r in pool.ranges if r.store == self.name]
        if self.at_end or any(r.last is None for r in ranges):
            return self.size.maximum
        ends = [r.last + 1 for r in ranges if r.last is not None]
        return min(self.size.maximum, max([self.prefix, self.device.minimum, 1, *ends]))

    @property
    def there(self) -> str:
        return self.granted

    @property
    def granted(self) -> str:
        return f"irqs->{self.name}.nr"

    @property
    def numbers(self) -> Sequence[int]:
        return range(max(self.prefix, 1), self.most + 1) if self.size.runtime else (self.most,)

    @property
    def varies(self) -> bool:
        return self.size.runtime

    @property
    def params(self) -> tuple[Param, ...]:
        if not self.size.runtime:
            return ()
        what = f"Slots of the {self.name} store, at most {self.size.maximum}"
        return (Param(f"{self.name}_slots", "unsigned int", what),)

    @property
    def header_includes(self) -> frozenset[str]:
        if self.pools:
            return frozenset({"irq_vecpool_msi.h"})
        return frozenset({"string.h", "types.h"})

    @property
    def includes(self) -> frozenset[str]:
        names = {"device.h", "interrupt.h", "irq.h", "msi.h", "platform_device.h", "xarray.h"}
        return frozenset(names | ({"minmax.h"} if self.size.runtime else set()))

    @property
    def selects(self) -> frozenset[str]:
        return frozenset({"IRQ_VECPOOL_MSI"} if self.pools else ())

    def setup_with(self, given: str, handle: str) -> tuple[str, ...]:
        """The call that sets it up; ``handle`` is what reaches the messages."""
        slots = f"{given}{self.name}_slots" if self.size.runtime else str(self.most)
        return (f"{self.fn}_init(irqs, {handle}, {slots})",)

    @property
    def fake_size(self) -> int:
        if not self.size.runtime:
            return self.most
        return min(self.most, max(FEW, self.prefix, self.device.minimum))

    @property
    @abstractmethod
    def layout(self) -> SlotLayout:
        """How a message of the fake device looks."""

    @property
    @abstractmethod
    def areas(self) -> dict[str, int]:
        """What the fake device has of it, in bytes."""

    @abstractmethod
    def fake(self, place: Place) -> Fake:
        """What its KUnit suite is told."""

    @property
    def loose(self) -> tuple[str | None, int]:
        """A part of the registers that can be anywhere: there is none."""
        return None, 0

    @property
    def own(self) -> object | None:
        """What only the templates of its kind see."""
        return None

    def view(self, given: str) -> StoreView:
        return StoreView(
            name=self.name,
            fn=self.fn,
            ENUM=self.ENUM,
            source=f"irq_vec_msi_source(&pdev->dev, {self.granted})",
            vectors=self.specials,
            arrays=(),
            passed=(),
            least=max(self.prefix, 1),
            behind=0,
            at_end=self.at_end,
            slots=self.slots,
            cookie=None,
            managed=None,
            info=(),
            params=(),
            tables=(),
            TYPE="",
            code="device/platform.c.j2",
            locals="",
            init="",
            exit="device/platform-exit.c.j2",
            shutdown="device/platform-shutdown.c.j2",
            platform=PlatformView(
                touches=self.touches,
                handle=self.handle,
                most=self.most,
                slots=self.size.maximum,
                runtime=self.size.runtime,
                loops=any(vector.array for vector in self.specials),
            ),
            own=self.own,
        )

    def modelled(self, free_bar: int) -> tuple[str, ...]:
        raise NotImplementedError("models are PCI functions")


class PlatformRegisters(Platform, RegisterKind):
    """Messages in the registers of the device."""

    functions = "device/slots-platform.h.j2"
    touches = "device/platform-registers.c.j2"
    handle = Line("base", "", "void __iomem *base")

    def __init__(self, device: Device, store: RegistersStore) -> None:
        super().__init__(device, store)
        self.store = store

    @classmethod
    def of(cls, device: Device, store: Store) -> Kind | None:
        return cls(device, store) if isinstance(store, RegistersStore) else None

    @property
    def layout(self) -> SlotLayout:
        return self._layout

    @property
    def params(self) -> tuple[Param, ...]:
        out = [Param("regs", "void __iomem *", "The registers of the device, mapped")]
        if self.store.offset.runtime:
            what = f"Offset of the {self.name} store in them in bytes"
            out.append(Param(f"{self.name}_offset", "u32", what))
        return (*out, *super().params)

    def setup(self, given: str) -> tuple[str, ...]:
        store, base = self.store, f"{given}regs"
        if store.offset.runtime:
            base += f" + {given}{self.name}_offset"
        elif not store.tables and store.offset.value:
            base += f" + {store.offset.value:#x}"
        return self.setup_with(given, base)

    @property
    def words(self) -> str:
        store = self.store
        where = " at an offset given by the driver"
        if store.tables:
            where = ": " + listed([f"{t.slots} at {t.offset:#x}" for t in store.tables])
        elif store.offset.value is not None:
            where = f" at {store.offset.value:#x}"
        if store.layout.data is None:
            return f"{sized(store.slots, 'message')} to one address in the registers{where}"
        mask = "" if self.masks else ", without mask bits"
        return f"{sized(store.slots)} of {store.layout.stride} bytes in the registers{where}{mask}"

    @property
    def areas(self) -> dict[str, int]:
        """How far it reaches into the registers, in bytes."""
        store = self.store
        if store.tables:
            return {"regs": max(t.offset + t.slots * self.layout.stride for t in store.tables)}
        at = BASE if store.offset.value is None else store.offset.value
        return {"regs": at + self.fake_table}

    def fake(self, place: Place) -> Fake:
        """What its KUnit suite is told."""
        store, base, asks = self.store, place.mapped["regs"], self.store.offset.runtime
        at = BASE if store.offset.value is None else store.offset.value
        tables = tuple((base + t.offset, t.slots) for t in store.tables)
        return Fake(
            kind="",
            assigned=((f"{self.name}_offset", f"asked->offset[{self.number}]"),) if asks else (),
            offset=at if asks else None,
            tables=tables or ((base + at, self.fake_size),),
        )

    @property
    def parts(self) -> Iterator[Part]:
        start, name = rf"^static int {self.fn}_init\(", self.name
        yield Part(name, self.span, (InCode(start),))
        yield Part(f"{name}.slots", self.size.span, (InCode(start, r"nr > "), InCode(start)))
        init = rf"^int {self.device.name}_irqs_init\("
        yield from table_parts(self.store, self.fn, init, f"{name}_init")
        yield from slot_parts(name, self.fn, self.layout)

    @property
    def own(self) -> RegistersView:
        mask = self.layout.address_mask
        return RegistersView(
            tables=tuple(Line(f"{t.offset:#x}", "", str(t.slots)) for t in self.store.tables),
            address_bits=f"{mask:#x}ULL" if mask != (1 << 64) - 1 else "",
            one_address=self.layout.data is None,
        )


class Passed(Platform):
    """Messages which the driver passes on to who sends them."""

    touches = "device/platform-passed.c.j2"
    handle = Line(
        "pass",
        "",
        "void (*pass)(struct device *dev, unsigned int index,\n»const struct msi_msg *msg)",
    )

    def __init__(self, device: Device, store: PassedStore) -> None:
        super().__init__(device, store)
        self.size = store.slots

    @classmethod
    def of(cls, device: Device, store: Store) -> Kind | None:
        return cls(device, store) if isinstance(store, PassedStore) else None

    @property
    def masks(self) -> bool:
        return False

    @property
    def params(self) -> tuple[Param, ...]:
        kind = "void (*)(struct device *dev, unsigned int index,\n»const struct msi_msg *msg)"
        what = "Passes a message on, all zeros for none, in atomic context"
        return (Param(f"{self.name}_pass", kind, what, True), *super().params)

    @property
    def header_includes(self) -> frozenset[str]:
        return super().header_includes | {"msi.h"}

    def setup(self, given: str) -> tuple[str, ...]:
        return self.setup_with(given, f"{given}{self.name}_pass")

    @property
    def words(self) -> str:
        return f"{sized(self.size, 'message')}, passed on by the driver"

    @property
    def layout(self) -> SlotLayout:
        """Where the fake device has the parts of a message that was passed on."""
        low, high, data = (
            Register(name, offset, 32, self.span)
            for name, offset in (("address_lo", 0), ("address_hi", 4), ("data", 8))
        )
        return SlotLayout(PASSED, Endian.LITTLE, low, high, data, None, self.span)

    @property
    def areas(self) -> dict[str, int]:
        return {}

    @property
    def loose(self) -> tuple[str | None, int]:
        """What was passed on, in no registers."""
        return None, self.fake_size * PASSED

    def fake(self, place: Place) -> Fake:
        return Fake(
            kind="",
            constants=((f"{self.name}_pass", "msi_layout_pass"),),
            tables=((place.loose, self.fake_size),),
            layout=(("passed", "true"),),
        )

    @property
    def parts(self) -> Iterator[Part]:
        start = rf"^static int {self.fn}_init\("
        yield Part(self.name, self.span, (InCode(start),))
        yield Part(f"{self.name}.slots", self.size.span, (InCode(start, r"nr > "), InCode(start)))
