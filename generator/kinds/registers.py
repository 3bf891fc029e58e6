"""What slots have in common that are written by MMIO."""

from __future__ import annotations

from ..views.stores import Control
from .slots import SlotKind, accessor


class RegisterKind(SlotKind):
    """Slots in a BAR: each register is written by itself."""

    space = "__iomem "
    #: Headers of include/linux that the functions need beside those of all.
    more_includes: tuple[str, ...] = ()

    @property
    def align(self) -> int:
        control = (self.layout.control.register,) if self.layout.control else ()
        widths: list[int] = [register.width for register in (*self.registers, *control)]
        return max(widths) // 8

    @property
    def slot_members(self) -> list[tuple[str, int, int]]:
        control = (self.layout.control.register,) if self.layout.control else ()
        return [(r.name, r.offset, r.width // 8) for r in (*self.registers, *control)]

    @property
    def slot_includes(self) -> tuple[str, ...]:
        names = ["bits.h", "build_bug.h", "io.h", "msi.h", *self.more_includes]
        return tuple(
            f"linux/{name}" for name in sorted(names) if name != "bits.h" or self.layout.control
        )

    @property
    def control(self) -> Control | None:
        control, mask = self.layout.control, f"{self.CTRL}_MASK"
        if not control:
            return None
        low = bool(control.mask and control.mask.active_low)
        return Control(
            name=control.register.name,
            write=accessor("write", control.register.width, self.layout.endian),
            read=accessor("read", control.register.width, self.layout.endian),
            masked=f"ctrl & ~{mask}" if low else f"ctrl | {mask}",
            unmasked="ctrl",
            reset="0" if low else mask,
        )
