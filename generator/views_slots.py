"""What templates see of a store that is a table of slots: registers, accessors, mask bits."""

from __future__ import annotations

from imsgen.dsl.model import (
    BitArray,
    Device,
    Endian,
    IomemStore,
    MaskBit,
    MemoryStore,
    Register,
    SlotLayout,
)

from .fold import tabs
from .names import names_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]

#: Accessor suffix by width in bits, little endian.  Rule 12 wants reads of the same width.
_LITTLE = {8: "b", 16: "w", 32: "l"}

#: Column at which values of #defines start, as kernel headers have it.
VALUE_COLUMN = 48

_WHAT = {
    "address_lo": "Message address, low half",
    "address_hi": "Message address, high half",
    "data": "Message data",
    "control": "Mask bit and what else is set at allocation",
    "cookies": "What is set at allocation",
    "message": "Low half of the message address, and message data",
}


def accessor(kind: str, width: int, endian: Endian) -> str:
    """The function that reads or writes a register of a BAR."""
    if endian is Endian.BIG and width > 8:
        return f"io{kind}{width}be"
    return kind + _LITTLE[width]


def _type(width: int, endian: Endian) -> str:
    if width == 8:
        return "u8"
    return f"__{'be' if endian is Endian.BIG else 'le'}{width}"


def _swapped(value: str, width: int, endian: Endian) -> str:
    """``value`` in the byte order of a store in memory."""
    if width == 8:
        return value
    return f"cpu_to_{'be' if endian is Endian.BIG else 'le'}{width}({value})"


def message_registers(layout: SlotLayout) -> list[Register]:
    """The registers of a message."""
    high = [layout.address_hi] if layout.address_hi else []
    return [layout.address_lo, *high, layout.data]


def write_order(store: IomemStore | MemoryStore) -> list[Register]:
    """The registers of a message in the order in which they are written.

    What nothing masks may be sent as soon as it has an address, which therefore comes last.
    """
    registers = message_registers(store.layout)
    return registers if slot_masks(store) else registers[::-1]


def slot_masks(store: IomemStore | MemoryStore) -> bool:
    """Whether each message has a mask bit, in its slot or in an array."""
    return bool(_mask(store) or (isinstance(store, IomemStore) and store.mask_bits))


def slot_view(device: Device, store: IomemStore | MemoryStore) -> View:
    """What both kinds have: the slot's struct, the control word, the header."""
    layout = store.layout
    f, s = device.name, store.name
    slot = f"{f}_{s}_slot"
    names = {n.name: n for n in names_of(device).headers}[s]
    members: list[tuple[str, str, int, int]] = []
    for r in [*message_registers(layout), *([layout.control.register] if layout.control else [])]:
        if isinstance(store, IomemStore) or r not in (layout.address_lo, layout.data):
            members.append((r.name, _type(r.width, layout.endian), r.offset, r.width // 8))
    if isinstance(store, MemoryStore):
        members.append(("message", _type(64, layout.endian), _message_offset(layout), 8))
    members.sort(key=lambda m: m[2])
    bits = store.mask_bits if isinstance(store, IomemStore) else None
    pending = store.pending if isinstance(store, IomemStore) else None
    return {
        "file": names.file,
        "guard": names.guard,
        "bits": _bits_view(layout.endian, bits) if bits else None,
        "pending": _bits_view(layout.endian, pending) if pending else None,
        "needs_irqs": bool(bits or pending),
        "header_includes": _includes(device, store),
        "defines": [
            {"name": n, "tabs": tabs(f"#define {n}", VALUE_COLUMN), "value": v}
            for n, v in _defines(f"{f}_{s}_CTRL".upper(), layout)
        ],
        "members": _members(layout.stride, members, bool(_mask(store))),
        "asserts": [f"sizeof(struct {slot}) == {layout.stride}"]
        + [f"offsetof(struct {slot}, {name}) == {offset}" for name, _, offset, _ in members],
        "ctrl": _control(store, f"{f}_{s}_CTRL_MASK".upper()),
        "set_ctrl": _set_control(store),
        "rewrites": not device.remapping,
        "unmaskable": not slot_masks(store),
        "which": "an unmasked message" if slot_masks(store) else "a message",
        "quiet": "masked" if slot_masks(store) else "empty",
        "idle": "masked or quiet" if slot_masks(store) else "empty",
    }


def _defines(upper: str, layout: SlotLayout) -> list[tuple[str, str]]:
    if not layout.control:
        return []
    out = []
    if layout.control.mask:
        out.append((f"{upper}_MASK", f"BIT({layout.control.mask.bit})"))
    for c in layout.control.cookies:
        if c.enable_bit is not None:
            out.append((f"{upper}_{c.name}_ENABLE".upper(), f"BIT({c.enable_bit})"))
        out.append((f"{upper}_{c.name}".upper(), f"GENMASK({c.shift + c.width - 1}, {c.shift})"))
    return out


def _includes(device: Device, store: IomemStore | MemoryStore) -> list[str]:
    names = {"bits.h", "build_bug.h", "msi.h", "stddef.h", "types.h"}
    if isinstance(store, MemoryStore):
        names |= {"compiler.h"}
        return [f"linux/{n}" for n in sorted(names)] + ["asm/barrier.h", "asm/byteorder.h"]
    names |= {"io.h"}
    if store.mask_bits:
        names |= {"spinlock.h"}
    own = [names_of(device).include.strip("<>")] if store.mask_bits or store.pending else []
    return sorted([f"linux/{n}" for n in names] + own)


def unmasked(device: Device, store: IomemStore | MemoryStore) -> str:
    """The control word of an unmasked message without a cookie."""
    mask = _mask(store)
    return f"{device.name}_{store.name}_CTRL_MASK".upper() if mask and mask.active_low else "0"


def _mask(store: IomemStore | MemoryStore) -> MaskBit | None:
    return store.layout.control.mask if store.layout.control else None


def _control(store: IomemStore | MemoryStore, mask: str) -> View | None:
    """How the mask bit of the control word is set; None where it is elsewhere."""
    control, endian = store.layout.control, store.layout.endian
    if not control or not control.mask:
        return None
    width, low = control.register.width, control.mask.active_low
    masked = f"ctrl & ~{mask}" if low else f"ctrl | {mask}"
    reset = "0" if low else mask
    if isinstance(store, MemoryStore):
        return {
            "name": control.register.name,
            "masked": _swapped(masked, width, endian),
            "unmasked": _swapped("ctrl", width, endian),
            "reset": "0" if low else _swapped(mask, width, endian),
        }
    return {
        "name": control.register.name,
        "write": accessor("write", width, endian),
        "read": accessor("read", width, endian),
        "masked": masked,
        "reset": reset,
        "unmasked": mask if low else "0",
    }


def _set_control(store: IomemStore | MemoryStore) -> View | None:
    """How a control word without a mask bit is set."""
    control = store.layout.control
    if not control or control.mask:
        return None
    if isinstance(store, MemoryStore):
        value = _swapped("ctrl", control.register.width, store.layout.endian)
        return {"name": control.register.name, "value": value}
    return {
        "name": control.register.name,
        "write": accessor("write", control.register.width, store.layout.endian),
        "read": accessor("read", control.register.width, store.layout.endian),
    }


def _bits_view(endian: Endian, bits: BitArray) -> View:
    low = bits.active_low
    return {
        "write": accessor("write", 32, endian),
        "read": accessor("read", 32, endian),
        "mask_op": "&= ~bit" if low else "|= bit",
        "unmask_op": "|= bit" if low else "&= ~bit",
        "all": "0" if low else "~0U",
    }


def iomem_view(device: Device, store: IomemStore, has_params: bool) -> View:
    """A table in a BAR, or several: where it is, how a message is written."""
    f, s = device.name, store.name
    layout, endian = store.layout, store.layout.endian
    values = {
        layout.address_lo.name: "msg->address_lo",
        layout.data.name: "msg->data",
    }
    if layout.address_hi:
        values[layout.address_hi.name] = "msg->address_hi"

    def bar(number: int) -> str:
        return f"params->bar{number}" if has_params else f"bar{number}"

    def at(number: int, offset: int) -> str:
        return f"{bar(number)} + {offset:#x}" if offset else bar(number)

    if store.tables:
        base = bar(store.bar)
    elif store.offset.value is None:
        base = f"{bar(store.bar)} + params->{s}_offset"
    else:
        base = at(store.bar, store.offset.value)
    registers = message_registers(layout) + ([layout.control.register] if layout.control else [])
    writes = [
        {"name": r.name, "fn": accessor("write", r.width, endian), "value": values[r.name]}
        for r in write_order(store)
    ]
    reads = [
        {"name": r.name, "read": accessor("read", r.width, endian)} for r in write_order(store)
    ]
    clears = slot_masks(store)
    return {
        "slot_ptr": f"struct {f}_{s}_slot __iomem *",
        "at": "desc->data.dcookie.iobase",
        "base": base,
        "tables": [
            {"offset": f"{t.offset:#x}", "slots": t.slots, "last": t is store.tables[-1]}
            for t in store.tables
        ],
        "mask_bits": at(store.mask_bits.bar, store.mask_bits.offset) if store.mask_bits else "",
        "pending_bits": at(store.pending.bar, store.pending.offset) if store.pending else "",
        "writes": writes,
        "last": reads[-1],
        "clears": writes if clears else writes[::-1],
        "cleared": reads[-1] if clears else reads[0],
        "align": max(r.width for r in registers) // 8,
    }


def memory_view(device: Device, store: MemoryStore, has_params: bool) -> View:
    """A table in memory: address and data are one word of 8 bytes (rule 23)."""
    f, s = device.name, store.name
    layout, endian = store.layout, store.layout.endian
    first, second = sorted((layout.address_lo, layout.data), key=lambda r: r.offset)
    upper, lower = (first, second) if endian is Endian.BIG else (second, first)
    values = {"address_lo": "msg->address_lo", "data": "msg->data"}
    pair = f"(u64){values[upper.name]} << 32 | {values[lower.name]}"
    high = layout.address_hi
    return {
        "slot_ptr": f"struct {f}_{s}_slot *",
        "at": "desc->data.dcookie.ptr",
        "base": f"params->{s}" if has_params else s,
        "tables": [],
        "pair": _swapped(pair, 64, endian),
        "pair_type": _type(64, endian),
        "hi": (
            {
                "name": high.name,
                "value": _swapped("msg->address_hi", 32, endian),
            }
            if high
            else None
        ),
        "align": 8,
    }


def _message_offset(layout: SlotLayout) -> int:
    return min(layout.address_lo.offset, layout.data.offset)


def _members(stride: int, ordered: list[tuple[str, str, int, int]], mask: bool) -> list[View]:
    """Members of the slot's struct: the registers, and what is between and behind them.

    ``mask`` is set where the control word has a mask bit.
    """
    out: list[View] = []

    def add(name: str, kind: str, doc: str, array: int = 0) -> None:
        suffix = f"[{array}]" if array else ""
        out.append(
            {
                "name": name,
                "decl": f"{kind}\t{name}{suffix}",
                "what": doc,
                "tabs": tabs(f" * @{name}:", 16),
            }
        )

    def pad(count: int) -> None:
        number = sum(1 for m in out if m["name"].startswith("reserved"))
        add(f"reserved{number}", "u8", "Not used", count)

    at = 0
    for name, kind, offset, size in ordered:
        if offset > at:
            pad(offset - at)
        add(name, kind, _WHAT[name if mask or name != "control" else "cookies"])
        at = offset + size
    if at < stride:
        pad(stride - at)
    return out
