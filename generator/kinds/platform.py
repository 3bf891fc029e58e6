"""Messages of platform devices, all of which are allocated at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from imsgen.dsl.model import Size, SlotLayout

from ..views.parts import Line
from ..views.stores import PlatformView, StoreView
from .base import Kind, Param
from .fake import Fake, Place

#: Slots of the fake device, where the driver passes their number.
FEW = 64


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
