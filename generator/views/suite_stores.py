"""What the KUnit templates see of a message store, and where its parts lie in the fake device."""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.model import Device, Endian, Register, SlotLayout

from ..kinds import ims_of, kinds_of, own_of
from ..kinds.fake import PAGE, Fake, Place, pages
from ..kinds.ims import Ims, gives_cookies
from ..kinds.platform import Platform
from .parts import Line, aligned


@dataclass(frozen=True)
class Driven:
    """What the driver sets in a slot: its name, the function, and where it is."""

    name: str
    fn: str
    where: str


@dataclass(frozen=True)
class FakeMemory:
    """The memory of the fake device: where BARs are in it, what each store has, and its bytes.

    BARs and the registers of a platform device are named as the driver passes them.
    """

    mapped: dict[str, int]
    stores: dict[str, Fake]
    size: int


@dataclass(frozen=True)
class SuiteStore:
    """A message store beside MSI and MSI-X."""

    name: str
    #: What tells its tables from those of other stores: empty where there is one store.
    suffix: str
    #: What a message carries along: initialisers of their descriptions.
    cookies: tuple[str, ...]
    #: Offset and number of slots of each table.
    tables: tuple[str, ...]
    #: What the driver sets in slots.
    driven: tuple[Driven, ...]
    lines: tuple[Line, ...]


# --- how much the fake device has ---------------------------------------------------------------


def store_size(device: Device, name: str) -> int:
    """How many messages a store of the fake device has."""
    return next(kind.fake_size for kind in kinds_of(device) if kind.name == name)


def fake_memory(device: Device) -> FakeMemory:
    """Where the fake device has what."""
    stores = own_of(device)
    ends: dict[str, int] = {}
    loose: dict[str, int] = {}
    for store in stores:
        for name, size in store.areas.items():
            ends[name] = max(ends.get(name, 0), size)
    # What has no place of its own is behind what has one.
    for store in stores:
        inside, size = store.loose
        if inside is not None and size:
            loose[store.name] = pages(ends[inside])
            ends[inside] = loose[store.name] + size
    mapped: dict[str, int] = {}
    end = 0
    for name, size in ends.items():
        mapped[name] = pages(end)
        end = mapped[name] + size
    for store in stores:
        inside, size = store.loose
        if inside is not None:
            loose[store.name] = mapped[inside] + loose.get(store.name, 0)
        elif size:
            loose[store.name] = pages(end)
            end = loose[store.name] + size
    fakes = {store.name: store.fake(Place(mapped, loose.get(store.name, 0))) for store in stores}
    return FakeMemory(mapped, fakes, end or PAGE)


# --- the store ----------------------------------------------------------------------------------


def suffix_of(device: Device, store: str) -> str:
    """What the names of a store's tables end in: no other name has two underscores."""
    return f"__{store}" if len(ims_of(device)) > 1 else ""


def store_suite(device: Device, store: Ims) -> SuiteStore:
    """The description of a store, as its datasheet has it."""
    fake = fake_memory(device).stores[store.name]
    suffix = suffix_of(device, store.name)
    first = sum(other.fake_size for other in ims_of(device)[: store.number])
    lines = [
        ("store.name", f'"{device.name} {store.name}"'),
        ("store.fire", "ims_layout_fire"),
        ("store.carries", "ims_layout_carries"),
    ]
    lines += [("store.first", str(first))] if first else []
    lines += [("store.fails", "true")] if store.can_fail else []
    cookies = _cookies(device, store)
    if cookies:
        lines.append(("store.cookies", f"test_cookies{suffix}"))
        lines.append(("store.nr_cookies", f"ARRAY_SIZE(test_cookies{suffix})"))
    lines += [
        ("device", "&test_device"),
        ("ims", f"offsetof(struct {device.name}_irqs, {store.name})"),
        *((("number", str(store.number)),) if store.number else ()),
        ("kind", fake.kind),
        ("max", str(store.size.maximum)),
    ]
    flags = {
        "asks_slots": store.size.runtime,
        "asks_bir": fake.asks_bir,
        "asks_offset": store.asks,
        "optional": store.optional,
        "others": store.optional and not all(other.optional for other in ims_of(device)),
        "isolated": device.remapping,
    }
    lines += [(name, "true") for name, on in flags.items() if on]
    lines += _slots(store.layout, suffix) if store.layout else []
    driven = _driven(store.fn, store.layout) if store.layout else ()
    if driven:
        lines.append(("driven", f"test_driven{suffix}"))
        lines.append(("nr_driven", f"ARRAY_SIZE(test_driven{suffix})"))
    lines += fake.layout
    tables = tuple(f"{offset:#x}, {slots}" for offset, slots in fake.tables)
    return SuiteStore(store.name, suffix, cookies, tables, driven, aligned_lines(lines))


def registers_suite(device: Device, store: Platform) -> SuiteStore:
    """The description of the store of a platform device, as its datasheet has it."""
    fake = fake_memory(device).stores[store.name]
    lines = [
        ("store.name", f'"{device.name} {store.name}"'),
        ("store.fire", "msi_layout_fire"),
        ("device", "&test_device"),
        ("nr", str(store.fake_size)),
        *fake.layout,
        *_slots(store.layout, ""),
    ]
    tables = tuple(f"{offset:#x}, {slots}" for offset, slots in fake.tables)
    return SuiteStore(store.name, "", (), tables, (), aligned_lines(lines))


def aligned_lines(pairs: list[tuple[str, str]]) -> tuple[Line, ...]:
    """Initialisers of members, their values in one column."""
    return aligned(pairs, "\t.")


def _slots(layout: SlotLayout, suffix: str) -> list[tuple[str, str]]:
    lines = [("big_endian", "true")] if layout.endian is Endian.BIG else []
    lines += [("stride", str(layout.stride))]
    lines.append(("tables", f"test_tables{suffix}"))
    lines.append(("nr_tables", f"ARRAY_SIZE(test_tables{suffix})"))
    registers = [layout.address_lo, layout.address_hi, layout.data]
    registers += [layout.control.register if layout.control else None]
    lines += [(r.name, _register(r)) for r in registers if r]
    if layout.address_mask != (1 << 64) - 1:
        lines.append(("address_bits", f"{layout.address_mask:#x}"))
    if layout.control and layout.control.fixed:
        lines.append(("fixed", f"{layout.control.fixed:#x}"))
    if layout.control and layout.control.pending:
        lines.append(("pending_bit", f"BIT({layout.control.pending.shift})"))
    if layout.control and layout.control.mask:
        lines.append(("mask", f"BIT({layout.control.mask.bit})"))
        lines += [("mask_low", "true")] if layout.control.mask.active_low else []
    return lines


def _driven(fn: str, layout: SlotLayout) -> tuple[Driven, ...]:
    """Fields of the control word, then registers."""
    found = [(r.name, r, 0, r.width) for r in layout.registers]
    if layout.control:
        word = layout.control.register
        found = [(f.name, word, f.shift, f.width) for f in layout.control.driven] + found
    return tuple(
        Driven(name, f"{fn}_set_{name}", f"{_register(register)}, {shift}, {width}")
        for name, register, shift, width in found
    )


def _register(register: Register) -> str:
    return f"{{ {register.offset}, {register.width // 8} }}"


def passes_cookies(device: Device, store: Ims) -> bool:
    """Whether a cookie can be passed."""
    return bool(store.fake_cookies) and gives_cookies(store)


def needs_cookie(store: Ims) -> list[str]:
    """The cookies that a message can't do without."""
    return [cookie.name for cookie in store.fake_cookies if not cookie.optional]


def _cookies(device: Device, store: Ims) -> tuple[str, ...]:
    struct = f"struct {device.name}_{store.name}_cookie"
    out = []
    for cookie in store.fake_cookies:
        values = [f'.name = "{cookie.name}"']
        if passes_cookies(device, store):
            values.append(f".member = offsetof({struct}, {cookie.name})")
        values.append(f".limit = {cookie.limit:#x}")
        values += cookie.place
        values += [".optional = true"] if cookie.optional else []
        out.append(",\n»".join(values))
    return tuple(out)
