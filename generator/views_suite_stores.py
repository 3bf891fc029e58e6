"""What the KUnit templates see of the stores: the device's side of them.

Offsets and expected values come straight from the model, not from the C that is under test.
"""

from __future__ import annotations

from imsgen.dsl.model import (
    BitArray,
    ControlWord,
    Device,
    Endian,
    ImsStore,
    IomemStore,
    MemoryStore,
    PciStore,
    Pool,
    Register,
)

from .views_slots import message_registers, slot_masks, write_order
from .views_stores import in_pool, slot_cookies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]

#: Slots and PCI messages beyond the special ones that a suite works with.  UML of 6.12 has about
#: sixty interrupts in all.
TEST_SLOTS = 6
TEST_PCI = 3

#: Vectors that the driver of a managed pool wants.
TEST_QUEUES = 8

#: Vectors that a subdevice wants of each pool, as far as it may.
TEST_WANTED = 3

#: What the fake parent sends in the high half of an address.
_TEST_HI = 0x12345600

#: Bytes of slot table that the layout test covers at most.
_TEST_TABLE = 1 << 20

#: Where a table is whose offset the driver passes.
_TEST_BASE = 0x400


def swap(value: int, width: int, endian: Endian) -> int:
    """What a little-endian bus sees of ``value`` in a register of that byte order."""
    if endian is Endian.LITTLE:
        return value
    return int.from_bytes(value.to_bytes(width // 8, "big"), "little")


def _load(register: Register, endian: Endian) -> str:
    order = "be" if endian is Endian.BIG else "le"
    where = f"slot + {register.offset}" if register.offset else "slot"
    if register.width == 8:
        return f"*({where})"
    return f"get_unaligned_{order}{register.width}({where})"


def idle(control: ControlWord | None) -> int:
    """The control word of an unmasked message without a cookie."""
    mask = control.mask if control else None
    return 1 << mask.bit if mask and mask.active_low else 0


def few(device: Device, pool: Pool) -> int:
    """How many vectors of a range without an end are enough to try everything."""
    taken = [m.minimum for sub in device.subdevices for m in sub.members if m.pool == pool.name]
    if pool.sharing:
        return TEST_PCI + pool.reserve + (TEST_WANTED if taken else 0)
    return TEST_PCI + max(taken, default=0)


def test_slots(device: Device, store: ImsStore) -> int:
    """How many slots the fake device has: a few in each range, if the driver says how many."""
    if store.slots.value is not None:
        return store.slots.value
    need = [TEST_SLOTS] + [v.index + 1 for v in device.vectors if v.store == store.name]
    for pool in device.pools:
        for r in pool.ranges:
            if r.store == store.name:
                need.append(r.first + few(device, pool) if r.last is None else r.last + 1)
    if not any(isinstance(s, PciStore) and in_pool(device, s) for s in device.stores):
        need.append(device.minimum)
    return min(store.slots.maximum, max(need))


def store_test(device: Device, store: ImsStore, view: View) -> View:
    """What the tests of one store use."""
    out: View = {
        "slots": test_slots(device, store),
        "refused": "0" if view["fallback"] else "-EOPNOTSUPP",
        "refused_what": (
            f"the device makes do with {view['instead']}"
            if view["fallback"]
            else "the driver can't load"
        ),
        "no_slots": "0" if view["fallback"] else "-EINVAL",
        "too_many": store.slots.maximum + 1,
        "lose": f"memset(ctx->{store.name}, 0, sizeof(ctx->{store.name}))",
        "masks": view["masks"],
        "mask_bit": "1",
        "ctrl_idle": "0",
        "ctrl_masked": "1",
        "has_hi": True,
        "address_hi_value": f"{_TEST_HI:#x}",
        "nr_writes": 0,
    }
    if isinstance(store, (IomemStore, MemoryStore)):
        out |= _slot_test(device, store, view)
    return out


def _slot_test(device: Device, store: IomemStore | MemoryStore, view: View) -> View:
    layout, control = store.layout, store.layout.control
    endian = layout.endian
    mask = control.mask if control else None
    mask_bit = 1 << mask.bit if mask else 0
    low = bool(mask and mask.active_low)
    sample = idle(control)
    for c in slot_cookies(store):
        sample |= (0x5A5A5A5A & ((1 << c.width) - 1)) << c.shift
        if c.enable_bit is not None:
            sample |= 1 << c.enable_bit
    sample_masked = sample & ~mask_bit if low else sample | mask_bit
    masked = 0 if low else mask_bit
    width = control.register.width if control else 32
    message = message_registers(layout)
    data_base = 0x8000 if layout.data.width == 16 else 0x87650000
    values = {"address_lo": 0xFEE01234, "address_hi": 0x56789ABC, "data": data_base}
    log = _written(write_order(store), values, endian)
    clear = _written(write_order(store)[::-1], {}, endian)
    prepare = clear + (_written([control.register], {}, endian) if control else [])
    prepare = [{**access, "nr": nr} for nr, access in enumerate(prepare)]

    covered = sorted((r.offset, r.offset + r.width // 8) for r in message)
    untouched, at = [], 0
    for start, end in [*covered, (layout.stride, layout.stride)]:
        if start > at:
            untouched.append({"offset": at, "size": start - at})
        at = end
    slots = store.slots.value if store.slots.value is not None else store.slots.maximum
    layout_slots = min(slots, _TEST_TABLE // layout.stride, 0x8000)
    high = layout.address_hi
    address = _load(layout.address_lo, endian)
    if high:
        address = f"(u64){_load(high, endian)} << 32 | {address}"
    offset = store.offset.value if isinstance(store, IomemStore) else None
    bits = store.mask_bits if isinstance(store, IomemStore) else None
    pending = store.pending if isinstance(store, IomemStore) else None
    return {
        "base": f"{offset:#x}" if offset is not None else f"{_TEST_BASE:#x}",
        "stride": layout.stride,
        "layout_slots": layout_slots,
        "at": "test_iomem" if isinstance(store, IomemStore) else "test_memory",
        "front": _front(store),
        "tables": view["tables"],
        "bar_size": _bar_size(store, layout_slots),
        "lose": "memset(ctx->fake->mem, 0, ctx->fake->params.bar_size)",
        "bits": _bits_test(store, bits),
        "pending": _bits_test(store, pending),
        "mask_index": 1 if layout_slots > 1 else 0,
        "mask_bit": f"{mask_bit:#x}" if mask else "1",
        "ctrl_idle": _ctrl_of(f"{idle(control):#x}", bits, masked=False),
        "ctrl_masked": _ctrl_of(f"{masked:#x}" if slot_masks(store) else "1", bits, masked=True),
        "address_hi_value": f"{_TEST_HI:#x}" if high else "0",
        "has_hi": high is not None,
        "address": address,
        "address_lo": _load(layout.address_lo, endian),
        "address_hi": _load(high, endian) if high else "",
        "data": _load(layout.data, endian),
        "data_base": f"{data_base:#x}",
        "data_cast": f"(u{layout.data.width})",
        "control": _load(control.register, endian) if control else "",
        "control_offset": control.register.offset if control else 0,
        "control_size": width // 8,
        "ctrl_sample": f"{sample:#x}",
        "ctrl_sample_le": f"{swap(sample, width, endian):#x}",
        "ctrl_sample_masked_le": f"{swap(sample_masked, width, endian):#x}",
        "ctrl_reset_le": f"{swap(masked, width, endian):#x}",
        "sample_address": "0x56789abcfee01234ULL" if high else "0xfee01234",
        "sample_hi": "0x56789abc" if high else "0",
        "untouched": untouched,
        "pair_put": f"put_unaligned_{'be' if endian is Endian.BIG else 'le'}32",
        "pair_lo": layout.address_lo.offset
        - min(r.offset for r in (layout.address_lo, layout.data)),
        "pair_data": layout.data.offset - min(r.offset for r in (layout.address_lo, layout.data)),
        "nr_writes": len(message),
        "nr_write_log": len(log),
        "nr_reset_writes": len(message) + 1,
        "nr_live_writes": len(message) + 2,
        "write_log": log,
        "clear_log": clear,
        "prepare_log": prepare,
        "nr_prepare_log": len(prepare) * len(view["vectors"]),
        "first_index": view["vectors"][0]["index"] if view["vectors"] else 0,
        "address_offset": layout.address_lo.offset,
    }


def _written(registers: list[Register], values: dict[str, int], endian: Endian) -> list[View]:
    """The accesses that write VALUES (or 0) to registers, and read the last of them back."""
    log = [
        {
            "nr": nr,
            "write": "true",
            "offset": r.offset,
            "size": r.width // 8,
            "value": f"{swap(values.get(r.name, 0), r.width, endian):#x}",
        }
        for nr, r in enumerate(registers)
    ]
    return [*log, {**log[-1], "nr": len(registers), "write": "false"}]


def _ctrl_of(control: str, bits: BitArray | None, *, masked: bool) -> str:
    """What test_ctrl() gives: the control word, or the mask bit where it lies elsewhere."""
    if not bits:
        return control
    return "1" if masked is not bits.active_low else "0"


def _front(store: IomemStore | MemoryStore) -> str:
    """Bytes in front of the table that nothing may touch."""
    if isinstance(store, IomemStore) and store.tables:
        return f"{min(t.offset for t in store.tables):#x}"
    return "TEST_BASE"


def _end(store: IomemStore, slots: int) -> int:
    """Where the tables end in the fake BAR."""
    stride = store.layout.stride
    if store.tables:
        return max(t.offset + t.slots * stride for t in store.tables)
    start = store.offset.value if store.offset.value is not None else _TEST_BASE
    return start + slots * stride


def bar_bases(store: ImsStore) -> dict[int, int]:
    """Where each BAR of a store begins in the memory of the fake device, which has one BAR."""
    if not isinstance(store, IomemStore):
        return {}
    layout_slots = store.slots.value if store.slots.value is not None else store.slots.maximum
    size = _end(store, min(layout_slots, _TEST_TABLE // store.layout.stride, 0x8000))
    arrays = [bits for bits in (store.mask_bits, store.pending) if bits]
    words = -(-store.slots.maximum // 32)
    bases = {store.bar: 0}
    for bar in dict.fromkeys([store.bar, *(bits.bar for bits in arrays)]):
        if bar != store.bar:
            bases[bar] = -(-size // 0x1000) * 0x1000
            size = bases[bar]
        size = max([size, *(bases[bar] + b.offset + words * 4 for b in arrays if b.bar == bar)])
    bases[-1] = size
    return bases


def _bar_size(store: IomemStore | MemoryStore, layout_slots: int) -> str:
    if isinstance(store, IomemStore) and (store.tables or store.mask_bits or store.pending):
        return f"{bar_bases(store)[-1]:#x}"
    return "TEST_BASE + TEST_LAYOUT_SLOTS * TEST_STRIDE"


def _bits_test(store: IomemStore | MemoryStore, bits: BitArray | None) -> View | None:
    if not bits:
        return None
    order = "be" if store.layout.endian is Endian.BIG else "le"
    return {
        "offset": f"{bar_bases(store)[bits.bar] + bits.offset:#x}",
        "load": f"get_unaligned_{order}32",
        "put": f"put_unaligned_{order}32",
        "swap": "swab32" if store.layout.endian is Endian.BIG else "",
        "low": bits.active_low,
        "all": "0" if bits.active_low else "~0U",
    }


def store_param(device: Device, store: ImsStore, name: str) -> str | None:
    """What a suite passes for a parameter of a store; None if it isn't one of it."""
    s = store.name
    if name.startswith("bar") and name[3:].isdigit() and isinstance(store, IomemStore):
        base = bar_bases(store).get(int(name[3:]), 0)
        return f"ctx->fake->bar + {base:#x}" if base else "ctx->fake->bar"
    return {
        f"{s}_offset": "TEST_BASE",
        f"{s}_slots": "TEST_SLOTS",
        s: "ctx->fake->mem + TEST_BASE",
    }.get(name)
