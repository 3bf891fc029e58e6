"""What slots have in common that are written by MMIO."""

from __future__ import annotations

from imsgen.dsl.model import BarStore, Device, Register, RegistersStore

from ..views.stores import Control
from .base import Param
from .slots import SlotKind, accessor


class RegisterKind(SlotKind):
    """Slots in registers: each of them is written by itself."""

    space = "__iomem "
    #: Headers of include/linux that the functions need beside those of all.
    more_includes: tuple[str, ...] = ()

    def __init__(self, device: Device, store: BarStore | RegistersStore) -> None:
        super().__init__(device, store)
        control = self.layout.control
        if control and control.register.width == 64:
            # A control word is written by one access.
            self.depends = ("64BIT",)

    @property
    def align(self) -> int:
        widths: list[int] = [register.width for register in self.all_registers]
        return max(widths) // 8

    @property
    def slot_members(self) -> list[tuple[str, int, int]]:
        return [(r.name, r.offset, r.width // 8) for r in self.all_registers]

    @property
    def all_registers(self) -> tuple[Register, ...]:
        """All registers of a slot."""
        control = (self.layout.control.register,) if self.layout.control else ()
        return (*self.registers, *control, *self.layout.registers)

    @property
    def slot_includes(self) -> tuple[str, ...]:
        names = ["bits.h", "build_bug.h", "io.h", "msi.h", *self.more_includes]
        names += ["swab.h"] if self.control and "swab" in self.control.unmasked else []
        return tuple(
            f"linux/{name}" for name in sorted(names) if name != "bits.h" or self.layout.control
        )

    @property
    def control(self) -> Control | None:
        control, endian = self.layout.control, self.layout.endian
        width = control.register.width if control else 32
        return self.control_of(accessor("write", width, endian), accessor("read", width, endian))


class BarKind(RegisterKind):
    """Slots in a BAR."""

    def __init__(self, device: Device, store: BarStore) -> None:
        super().__init__(device, store)
        self.bar = store.bar

    #: The BARs that are not its slots'.
    other_bars: tuple[int, ...] = ()

    @property
    def made_bar(self) -> int:
        """The BAR of its slots; where the driver passes it, one that nothing else is in."""
        if self.bar is not None:
            return self.bar
        return next(bar for bar in (4, 3, 5) if bar not in self.other_bars)

    @property
    def mapping(self) -> str:
        """What the driver passes for the mapping of the slots' BAR."""
        return self.mapping_of(self.bar)

    def mapping_of(self, bar: int | None) -> str:
        """What the driver passes for the mapping of a BAR."""
        return f"{self.name}_bar" if bar is None else f"bar{bar}"

    def bar_params(self) -> tuple[Param, ...]:
        """Mappings of its BARs, and which one is the slots' if no layout says that."""
        out = []
        for bar in dict.fromkeys((self.bar, *self.other_bars)):
            what = f"the BAR of the {self.name} store" if bar is None else f"BAR {bar}"
            out.append(Param(self.mapping_of(bar), "void __iomem *", f"Mapping of {what}"))
        if self.bar is None:
            what = f"Number of the BAR of the {self.name} store, 0 to 5"
            out.append(Param(f"{self.name}_bir", "unsigned int", what))
        return tuple(out)

    def bar_given(self, given: str) -> tuple[tuple[str, str], ...]:
        """Initialisers of struct pci_ims_params for that BAR."""
        bir = f"{given}{self.name}_bir" if self.bar is None else str(self.bar)
        return (("bar", f"{given}{self.mapping}"), *((("bir", bir),) if self.bar != 0 else ()))
