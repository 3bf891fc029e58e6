"""What tables of slots have in common, in a BAR or in memory."""

from __future__ import annotations

from abc import abstractmethod

from imsgen.dsl.model import (
    BitArray,
    CookieField,
    Device,
    Endian,
    FieldUse,
    Register,
    Size,
    SlotLayout,
    SlotStore,
)

from ..fold import VALUE_COLUMN, tabs
from ..names import names_of
from ..views.parts import Line, Member, members
from ..views.stores import (
    Access,
    Control,
    Cookie,
    CookiePart,
    MaskBits,
    OwnRegister,
    Pair,
    Setter,
    Shadow,
    Slots,
)
from .base import Kind, pci_stores
from .fake import MAX_TABLE, FakeCookie
from .ims import cookie_part, gives_cookies

_WHAT = {
    "address_lo": "Message address, low half",
    "address_hi": "Message address, high half",
    "data": "Message data",
    "message": "Low half of the message address, and message data",
}


class SlotKind(Kind):
    """A store whose messages are in slots."""

    #: Type of a pointer to a slot behind the struct, and where a descriptor has it.
    space = ""
    where = ""
    #: What the functions take instead of a pointer to a slot; may be empty.
    pointer = ""
    #: The template of the functions which touch a slot.
    functions = ""

    def __init__(self, device: Device, store: SlotStore) -> None:
        super().__init__(device, store)
        self._layout = store.layout
        self.size: Size = store.slots

    @property
    def layout(self) -> SlotLayout:
        """How its slots look."""
        return self._layout

    # --- masks and cookies ----------------------------------------------------------------------

    @property
    def bits(self) -> BitArray | None:
        """Mask bits outside of the slots."""
        return None

    @property
    def mask_bit(self) -> bool:
        """Whether a slot has a mask bit."""
        return bool(self.layout.control and self.layout.control.mask)

    @property
    def masks(self) -> bool:
        """Whether messages can be kept from being sent."""
        return self.mask_bit or self.bits is not None

    @property
    def CTRL(self) -> str:
        """What starts the names of the control word's bits."""
        return f"{self.fn}_CTRL".upper()

    @property
    def fields(self) -> tuple[CookieField, ...]:
        """The cookies in the control word."""
        return self.layout.control.cookies if self.layout.control else ()

    @property
    def idle(self) -> str:
        return self.unmasked or "0"

    @property
    def PENDING(self) -> str:
        """The bit of the control word that the device sets for what waits; empty without one."""
        pending = self.layout.control.pending if self.layout.control else None
        return f"{self.CTRL}_{pending.name}".upper() if pending else ""

    @property
    def fixed(self) -> str:
        """What each control word has: a constant, empty for nothing."""
        return self.CTRL if self.layout.control and self.layout.control.fixed else ""

    @property
    def unmasked(self) -> str:
        """What each control word of an unmasked message has; empty for nothing."""
        mask = self.layout.control.mask if self.layout.control else None
        return _either(self.fixed, f"{self.CTRL}_MASK" if mask and mask.active_low else "")

    def control_of(self, write: str, read: str) -> Control | None:
        """How the control word is written and read, by functions or not."""
        control, mask = self.layout.control, f"{self.CTRL}_MASK"
        if not control:
            return None
        low = bool(control.mask and control.mask.active_low)

        def stored(value: str) -> str:
            return self.stored(value, control.register.width)

        reset = _either(self.fixed, "" if low else mask)
        return Control(
            name=control.register.name,
            type="u64" if control.register.width == 64 else "u32",
            write=write,
            read=read,
            masked=stored(f"ctrl & ~{mask}" if low else f"ctrl | {mask}"),
            unmasked=stored("ctrl"),
            reset=stored(reset) if reset else "0",
            idle=stored(self.idle) if self.idle != "0" else "0",
            value=stored(f"{read}(&slot->{control.register.name})"),
        )

    @property
    def needs(self) -> str:
        return next((field.name for field in self.fields if not field.optional), "")

    @property
    def cookie(self) -> Cookie | None:
        if not self.fields or not gives_cookies(self):
            return None
        return Cookie(
            struct=f"{self.fn}_cookie",
            fn=f"{self.fn}_make_cookie",
            store=self.name,
            code="device/cookie-slot.c.j2",
            parts=tuple(self._part(field) for field in self.fields),
            idle=self.idle,
            checked=True,
            missing="bad" if self.needs else "ctrl",
        )

    def _part(self, c: CookieField) -> CookiePart:
        field = f"{self.CTRL}_{c.name}".upper()
        bits = f"FIELD_PREP({field}, cookie->{c.name})"
        if c.enable_bit is not None:
            bits = f"{field}_ENABLE |\n»{bits}"
        return cookie_part(c.name, c.optional, (1 << c.width) - 1, field, bits)

    # --- the slots ------------------------------------------------------------------------------

    @property
    def code(self) -> str:
        if not self.mask_bit:
            return "device/ims-chip.c.j2"
        return "device/ims-shadow-chip.c.j2" if self.shadowed else "device/ims-slot-chip.c.j2"

    @property
    def shadowed(self) -> bool:
        """Whether the driver has fields in the control word."""
        return bool(self.layout.control and self.layout.control.driven)

    @property
    def shadow(self) -> Shadow | None:
        """How the control word is changed where the driver has fields in it."""
        if not self.shadowed:
            return None
        mask = self.layout.control.mask if self.layout.control else None
        values = [f"{self.CTRL}_MASK", "0"]
        masked, unmasked = values[::-1] if mask and mask.active_low else values
        return Shadow(f"{self.CTRL}_MASK, {masked}", f"{self.CTRL}_MASK, {unmasked}")

    @property
    def setters(self) -> tuple[Setter, ...]:
        fields = self.layout.control.driven if self.layout.control else ()
        out = [
            self._setter(item.name, "field", f"{item.shift}, {item.width}", item.width)
            for item in fields
        ]
        out += [
            self._setter(item.name, "register", f"{number}, {item.width}", item.width)
            for number, item in enumerate(self.layout.registers)
        ]
        return tuple(out)

    def _setter(self, name: str, kind: str, place: str, width: int) -> Setter:
        last = (1 << width) - 1
        what = f"Set {name} of an interrupt: 0 to {last:#x}, else -EINVAL. Any context but NMI"
        call = f"pci_ims_set_{kind}(&irqs->{self.name}, irq, {place}, value)"
        return Setter(f"{self.fn}_set_{name}", what, call)

    def _own_register(self, number: int, register: Register) -> OwnRegister:
        write = accessor("write", register.width, self.layout.endian)
        read = accessor("read", register.width, self.layout.endian)
        return OwnRegister(number, register.name, write, read, self.stored("value", register.width))

    def stored(self, value: str, width: int) -> str:
        """What the function which writes a register is given for a value."""
        # Not all architectures have an iowrite64be().
        wide = width == 64 and self.layout.endian is Endian.BIG
        return f"swab64({value})" if wide else value

    @property
    def info(self) -> tuple[tuple[str, str], ...]:
        return (
            ("stride", f"sizeof(struct {self.fn}_slot)"),
            ("align", str(self.align)),
            *self._address_bits,
            *self.place,
            *self._is_pending,
            *((("write_ctrl", f"{self.fn}_write_ctrl"),) if self.shadowed else ()),
            *self._own_info,
        )

    @property
    def _address_bits(self) -> tuple[tuple[str, str], ...]:
        mask = self.layout.address_mask
        return (("address_bits", f"{mask:#x}"),) if mask != (1 << 64) - 1 else ()

    @property
    def _own_info(self) -> tuple[tuple[str, str], ...]:
        if not self.layout.registers:
            return ()
        nr = str(len(self.layout.registers))
        return (("nr_registers", nr), ("write_register", f"{self.fn}_write_register"))

    @property
    def _is_pending(self) -> tuple[tuple[str, str], ...]:
        return (("is_pending", f"{self.fn}_irq_is_pending"),) if self.PENDING else ()

    @property
    @abstractmethod
    def align(self) -> int:
        """What the slots' offset or address is a multiple of."""

    @property
    def place(self) -> tuple[tuple[str, str], ...]:
        """Initialisers of struct pci_ims_info that say where the slots are."""
        return ()

    @property
    def registers(self) -> tuple[Register, ...]:
        """The registers of a message."""
        high = (self.layout.address_hi,) if self.layout.address_hi else ()
        data = (self.layout.data,) if self.layout.data else ()
        return (self.layout.address_lo, *high, *data)

    @property
    def write_order(self) -> tuple[Register, ...]:
        """The registers of a message in the order in which they are written.

        What nothing masks may be sent as soon as it has an address, which therefore comes last.
        """
        return self.registers if self.masks else self.registers[::-1]

    @property
    @abstractmethod
    def slot_members(self) -> list[tuple[str, int, int]]:
        """Members of a slot: name, offset, bytes."""

    @property
    @abstractmethod
    def slot_includes(self) -> tuple[str, ...]:
        """Headers for what touches a slot."""

    @property
    @abstractmethod
    def control(self) -> Control | None:
        """How the control word is written."""

    @property
    def fake_size(self) -> int:
        if not self.size.runtime:
            return self.size.maximum
        stores = len(self.device.stores) - len(pci_stores(self.device))
        return min(self.size.maximum, MAX_TABLE // stores // self.layout.stride)

    @property
    def fake_table(self) -> int:
        """Bytes of the table that the fake device has.

        One slot more than there can be: a driver that asks for it is refused for another reason.
        """
        return (self.fake_size + 1) * self.layout.stride

    @property
    def fake_cookies(self) -> tuple[FakeCookie, ...]:
        return tuple(
            FakeCookie(c.name, c.optional, (1 << c.width) - 1, _fake_place(c)) for c in self.fields
        )

    @property
    def pair(self) -> Pair | None:
        """Address and data as one word."""
        return None

    @property
    def slots(self) -> Slots:
        names = {n.name: n for n in names_of(self.device).headers}[self.name]
        writes = tuple(self._access(register) for register in self.write_order)
        clears = writes if self.masks else writes[::-1]
        low = bool(self.bits and self.bits.active_low)
        big = self.layout.endian is Endian.BIG
        return Slots(
            name=self.name,
            fn=self.fn,
            path=names.path,
            file=names.file,
            guard=names.guard,
            includes=self.slot_includes,
            defines=tuple(
                Line(name, tabs(f"#define {name}", VALUE_COLUMN), value)
                for name, value in self._defines()
            ),
            members=self._members(),
            stride=self.layout.stride,
            functions=self.functions,
            pointer=self.pointer or f"struct {self.fn}_slot {self.space}*",
            slot=f"struct {self.fn}_slot {self.space}*",
            where=self.where,
            in_desc=f"desc->data.dcookie.{self.where}",
            control=self.control,
            mask_bit=self.mask_bit and not self.shadowed,
            cookies_only=self.layout.control is not None and (self.shadowed or not self.mask_bit),
            shadow=self.shadow,
            pending=self.PENDING,
            own=tuple(
                self._own_register(number, item)
                for number, item in enumerate(self.layout.registers)
            ),
            bits=(
                MaskBits(f"{not low}, {big}".lower(), f"{low}, {big}".lower())
                if self.bits
                else None
            ),
            masks=self.masks,
            rewrites=not self.device.remapping,
            write_macro="PCI_IMS_SLOT_WRITE" + ("" if self.device.remapping else "_LIVE"),
            write_live=not self.device.remapping and self.mask_bit and not self.shadowed,
            writes=writes,
            clears=clears,
            last=writes[-1],
            cleared=clears[-1],
            pair=self.pair,
        )

    def _access(self, register: Register) -> Access:
        parts = {self.layout.address_lo: "address_lo", self.layout.address_hi: "address_hi"}
        value = "msg->" + parts.get(register, "data")
        write = accessor("write", register.width, self.layout.endian)
        return Access(
            register.name, write, accessor("read", register.width, self.layout.endian), value
        )

    def _defines(self) -> list[tuple[str, str]]:
        control = self.layout.control
        if not control:
            return []
        out = [(f"{self.CTRL}_MASK", f"BIT({control.mask.bit})")] if control.mask else []
        if control.pending:
            out.append((self.PENDING, f"BIT({control.pending.shift})"))
        fixed = [item for item in control.fields if item.use is FieldUse.FIXED]
        for item in fixed:
            value = f"({item.value:#x}UL << {item.shift})"
            if item.width == 1 and item.value:
                value = f"BIT({item.shift})"
            out.append((f"{self.CTRL}_{item.name}".upper(), value))
        if self.fixed:
            names = [f"{self.CTRL}_{item.name}".upper() for item in fixed]
            out.append((self.CTRL, names[0] if len(names) == 1 else f"({_joined(names)})"))
        for c in control.cookies:
            name = f"{self.CTRL}_{c.name}".upper()
            if c.enable_bit is not None:
                out.append((f"{name}_ENABLE", f"BIT({c.enable_bit})"))
            out.append((name, f"GENMASK({c.shift + c.width - 1}, {c.shift})"))
        return out

    def _members(self) -> tuple[Member, ...]:
        """The registers, and what is between and behind them."""
        parts: list[tuple[str, str, str]] = []
        own = {item.name for item in self.layout.registers}
        at = pads = 0
        end = ("", self.layout.stride, 0)
        for name, offset, size in [*sorted(self.slot_members, key=lambda m: m[1]), end]:
            if offset > at:
                parts.append(("u8", f"reserved{pads}[{offset - at}]", "Not used"))
                pads += 1
            if name:
                what = "Mask bit and cookies" if self.mask_bit else "Cookies"
                if name in own:
                    what = "The driver's"
                elif self.layout.control and self.layout.control.fields:
                    what = "Control word"
                kind = slot_type(8 * size, self.layout.endian)
                parts.append((kind, name, _WHAT.get(name, what)))
            at = offset + size
        return members(parts)


def _either(*values: str) -> str:
    """The bits of both values; empty for none."""
    return " | ".join(value for value in values if value)


def _joined(names: list[str]) -> str:
    """The bits of all names, one a line."""
    return f" | \\\n{tabs('', VALUE_COLUMN)} ".join(names)


def _fake_place(field: CookieField) -> tuple[str, ...]:
    out = [f".shift = {field.shift}"] if field.shift else []
    out += [f".enable = BIT({field.enable_bit})"] if field.enable_bit is not None else []
    return tuple(out)


def slot_type(width: int, endian: Endian) -> str:
    """The type of a register."""
    if width == 8:
        return "u8"
    return f"__{'be' if endian is Endian.BIG else 'le'}{width}"


def accessor(kind: str, width: int, endian: Endian) -> str:
    """The function that reads or writes a register of a BAR; rule 12 wants the same width."""
    if endian is Endian.BIG and width in (16, 32):
        return f"io{kind}{width}be"
    return kind + {8: "b", 16: "w", 32: "l", 64: "q"}[width]
