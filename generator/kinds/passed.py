"""Messages of a platform device which its driver passes on to who sends them."""

from __future__ import annotations

from collections.abc import Iterator

from imsgen.dsl.model import Device, Endian, PassedStore, Register, SlotLayout

from ..views.parts import Line, sized
from .base import Param
from .fake import Fake, Place
from .linked import InCode, Part
from .platform import Platform

#: A message in the memory of the fake device, in bytes.
PASSED = 16


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
