"""What the KUnit templates see of a message store, and where its parts lie in the fake device."""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.model import (
    BitArray,
    CommandStore,
    CookieField,
    Device,
    Endian,
    ImsStore,
    IomemStore,
    MemoryStore,
    MsiStore,
    PciStore,
    Pool,
    Register,
    Store,
)

from .parts import Line, aligned

#: PCI messages and, where the driver says how many, slots beyond the special ones.
_FEW = 3

#: Bytes of slots that a fake device has at most, unless the layout fixes their number.
_TABLE = 1 << 20

#: Where a table is whose offset the driver passes: a multiple of what it has to be aligned to.
_BASE = 0x400

#: Widest PASID that PCI knows (rule 30).
_PASID = 0xFFFFF

_ALL = 0xFFFFFFFF


@dataclass(frozen=True)
class SuiteStore:
    """A message store with a domain of its own."""

    name: str
    #: What a message carries along: initialisers of their descriptions.
    cookies: tuple[str, ...]
    #: Offset and number of slots of each table.
    tables: tuple[str, ...]
    lines: tuple[Line, ...]


def ims_of(device: Device) -> ImsStore | None:
    """The store with a domain of its own; Linux lets a device have one."""
    return next((s for s in device.stores if isinstance(s, ImsStore)), None)


def optional(device: Device, store: ImsStore) -> bool:
    """Whether the device can do without the store: each use of it has a PCI part too."""
    if any(v.store == store.name for v in device.vectors):
        return False
    pci = {s.name for s in device.stores if isinstance(s, PciStore)}
    pools = [p for p in device.pools if any(r.store == store.name for r in p.ranges)]
    return bool(pools) and all(any(r.store in pci for r in p.ranges) for p in pools)


# --- how much the fake device has ---------------------------------------------------------------


def power(count: int) -> int:
    """The power of two that is not below ``count``."""
    return 1 << (count - 1).bit_length() if count else 0


def pci_count(device: Device) -> int:
    """Messages of the fake MSI-X table or MSI: the special ones, and a few for each pool."""
    pci = {s.name for s in device.stores if isinstance(s, PciStore)}
    need = [v.index + 1 for v in device.vectors if v.store in pci]
    for pool in device.pools:
        for r in pool.ranges:
            if r.store in pci:
                need.append(r.first + _few(device, pool) if r.last is None else r.last + 1)
                # Enough by themselves, since some devices can do without their own store.
                need.append(device.minimum)
    return max(need, default=0)


def _few(device: Device, pool: Pool) -> int:
    """How many vectors of a range without an end are enough to try everything."""
    members = [m for sub in device.subdevices for m in sub.members if m.pool == pool.name]
    if pool.sharing:
        return _FEW + pool.reserve
    return max([_FEW, *(m.minimum for m in members)])


def store_size(device: Device, store: Store) -> int:
    """How many messages a store of the fake device has."""
    if isinstance(store, PciStore):
        count = pci_count(device)
        return power(count) if isinstance(store, MsiStore) else count
    if not store.slots.runtime or not isinstance(store, (IomemStore, MemoryStore)):
        return store.slots.maximum
    return min(store.slots.maximum, _TABLE // store.layout.stride)


# --- where it has it ----------------------------------------------------------------------------


def table_offset(store: IomemStore | MemoryStore) -> int:
    """Where the slots are in memory, if they are not in several tables."""
    if isinstance(store, IomemStore) and store.offset.value is not None:
        return store.offset.value
    return _BASE


def bar_bases(device: Device, store: ImsStore) -> tuple[dict[int, int], int]:
    """Where each BAR of a store begins in the memory of the fake device, and the end of all.

    The fake device has one memory for all BARs, so that those of a store follow each other.
    """
    if not isinstance(store, (IomemStore, MemoryStore)):
        return {}, 0x1000
    # One slot more than there can be: a driver that asks for it is refused for another reason.
    end = table_offset(store) + (store_size(device, store) + 1) * store.layout.stride
    if isinstance(store, MemoryStore):
        return {}, end
    if store.tables:
        end = max(t.offset + t.slots * store.layout.stride for t in store.tables)
    bases = {store.bar: 0}
    words = -(-store.slots.maximum // 32)
    for bits in (store.mask_bits, store.pending):
        if bits:
            bases.setdefault(bits.bar, -(-end // 0x1000) * 0x1000)
            end = max(end, bases[bits.bar] + bits.offset + words * 4)
    return bases, end


# --- the store ----------------------------------------------------------------------------------


def store_suite(device: Device, store: ImsStore) -> SuiteStore:
    """The description of a store, as its datasheet has it."""
    lines = [
        ("store.name", f'"{device.name} {store.name}"'),
        ("store.fire", "ims_layout_fire"),
        ("store.carries", "ims_layout_carries"),
    ]
    cookies = _cookies(device, store)
    if cookies:
        lines.append(("store.cookies", "test_cookies"))
        lines.append(("store.nr_cookies", "ARRAY_SIZE(test_cookies)"))
    lines += [
        ("device", "&test_device"),
        ("ims", f"offsetof(struct {device.name}_irqs, {store.name})"),
        ("kind", _kind(store)),
        ("max", str(store.slots.maximum)),
    ]
    lines += _flags(device, store)
    if isinstance(store, (IomemStore, MemoryStore)):
        lines += _slots(device, store)
    return SuiteStore(store.name, cookies, _tables(device, store), aligned_lines(lines))


def aligned_lines(pairs: list[tuple[str, str]]) -> tuple[Line, ...]:
    """Initialisers of members, their values in one column."""
    return aligned(pairs, "\t.")


def _kind(store: ImsStore) -> str:
    if isinstance(store, IomemStore):
        return "IMS_LAYOUT_BAR"
    if isinstance(store, MemoryStore):
        return "IMS_LAYOUT_MEMORY"
    return "IMS_LAYOUT_COMMAND" if isinstance(store, CommandStore) else "IMS_LAYOUT_PEER"


def _flags(device: Device, store: ImsStore) -> list[tuple[str, str]]:
    asks = isinstance(store, MemoryStore) or (
        isinstance(store, IomemStore) and store.offset.value is None
    )
    flags = {
        "asks_slots": store.slots.runtime,
        "asks_offset": asks,
        "optional": optional(device, store),
        "isolated": device.remapping,
    }
    return [(name, "true") for name, on in flags.items() if on]


def _slots(device: Device, store: IomemStore | MemoryStore) -> list[tuple[str, str]]:
    layout = store.layout
    lines = [("big_endian", "true")] if layout.endian is Endian.BIG else []
    lines += [("stride", str(layout.stride))]
    lines += [("tables", "test_tables"), ("nr_tables", "ARRAY_SIZE(test_tables)")]
    registers = [layout.address_lo, layout.address_hi, layout.data]
    registers += [layout.control.register if layout.control else None]
    lines += [(r.name, _register(r)) for r in registers if r]
    if layout.control and layout.control.mask:
        lines.append(("mask", f"BIT({layout.control.mask.bit})"))
        lines += [("mask_low", "true")] if layout.control.mask.active_low else []
    if isinstance(store, IomemStore):
        bases, _ = bar_bases(device, store)
        for name, bits in (("mask_bits", store.mask_bits), ("pending", store.pending)):
            lines += [(name, _bits(bits, bases))] if bits else []
    return lines


def _register(register: Register) -> str:
    return f"{{ {register.offset}, {register.width // 8} }}"


def _bits(bits: BitArray, bases: dict[int, int]) -> str:
    low = "true" if bits.active_low else "false"
    return f"{{ true, {low}, {bases[bits.bar] + bits.offset:#x} }}"


def _tables(device: Device, store: ImsStore) -> tuple[str, ...]:
    if not isinstance(store, (IomemStore, MemoryStore)):
        return ()
    if isinstance(store, IomemStore) and store.tables:
        return tuple(f"{t.offset:#x}, {t.slots}" for t in store.tables)
    return (f"{table_offset(store):#x}, {store_size(device, store)}",)


# --- cookies ------------------------------------------------------------------------------------


def passes_cookies(device: Device, store: ImsStore) -> bool:
    """Whether somebody can pass a cookie: only who gets a dedicated vector can."""
    return bool(_fields(store)) and any(pool.dedicated for pool in device.pools)


def needs_cookie(store: ImsStore) -> list[str]:
    """The cookies that a message can't do without."""
    return [field.name for field in _fields(store) if not field.optional]


@dataclass(frozen=True)
class _Field:
    name: str
    optional: bool
    limit: int
    place: tuple[str, ...]


def _fields(store: ImsStore) -> tuple[_Field, ...]:
    if isinstance(store, CommandStore):
        return tuple(
            _Field(c.name, c.optional, _PASID if c.name == "pasid" else _ALL, ())
            for c in store.cookies
        )
    if isinstance(store, (IomemStore, MemoryStore)) and store.layout.control:
        return tuple(
            _Field(c.name, c.optional, (1 << c.width) - 1, _place(c))
            for c in store.layout.control.cookies
        )
    return ()


def _place(field: CookieField) -> tuple[str, ...]:
    out = [f".shift = {field.shift}"] if field.shift else []
    out += [f".enable = BIT({field.enable_bit})"] if field.enable_bit is not None else []
    return tuple(out)


def _cookies(device: Device, store: ImsStore) -> tuple[str, ...]:
    struct = f"struct {device.name}_{store.name}_cookie"
    out = []
    for field in _fields(store):
        values = [f'.name = "{field.name}"']
        if passes_cookies(device, store):
            values.append(f".member = offsetof({struct}, {field.name})")
        values.append(f".limit = {field.limit:#x}")
        values += field.place
        values += [".optional = true"] if field.optional else []
        out.append(",\n»".join(values))
    return tuple(out)
