"""What the template of a device's model sees: :class:`ModelView`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from imsgen.dsl.model import (
    MAX_MSI,
    BitArray,
    CommandStore,
    Device,
    Endian,
    ExportedStore,
    FieldUse,
    IndirectStore,
    IomemStore,
    MemoryStore,
    MsiStore,
    MsixStore,
    PciStore,
    SlotLayout,
    Store,
)

from .skeleton import OFFSET, SLOTS, bar_number, skeleton_view

#: Least size of a BAR with registers of the device's own, in bytes.
_BAR = 0x10000

#: Entries of an MSI-X table beyond those that the layout names.
_FEW = 8


@dataclass(frozen=True)
class ModelView:
    """A model: expressions and lines of Python."""

    name: str
    vendor: str
    device: str
    pci_class: str
    bars: str
    vectors: tuple[str, ...]
    #: Lines that make each store.
    stores: tuple[tuple[str, ...], ...]
    #: What the registers do that the skeleton of a driver has.
    setup: tuple[str, ...]
    methods: tuple[tuple[str, ...], ...]


def model_view(device: Device) -> ModelView:
    """Everything that the template uses."""
    own = skeleton_view(device)
    registers = {line.name.partition("(")[0]: line.value for line in own.registers}
    setup: list[str] = []
    methods = []
    for store in device.stores:
        made = _told(device, store, own.bar, registers)
        if made:
            setup += made[0]
            methods.append(tuple(f"    {line}" if line else "" for line in made[1]))
    vendor, number = next(((i.vendor, i.device) for i in device.ids if i.vendor), (0x1AF4, 1))
    pci_class = next((i.pci_class for i in device.ids if i.pci_class is not None), 0xFF0000)
    return ModelView(
        name=device.name,
        vendor=f"{vendor:#06x}",
        device=f"{number or 0:#06x}",
        pci_class=f"{pci_class:#08x}",
        bars=f"{{{own.bar}: {_BAR:#x}}}",
        vectors=tuple(
            f'("{v.store}", {index}): "{v.name}"'
            for v in device.vectors
            if not (v.at_end or v.runtime)
            for index in range(v.index, v.last + 1)
        ),
        stores=tuple(tuple(_store(device, store)) for store in device.stores),
        setup=tuple(setup),
        methods=tuple(methods),
    )


def _count(device: Device, store: Store) -> int:
    """How many messages the model has."""
    if isinstance(store, PciStore) and store.slots:
        return store.slots.maximum
    if not isinstance(store, PciStore):
        return min(store.slots.maximum, SLOTS) if store.slots.runtime else store.slots.maximum
    need = [v.last + 1 for v in device.vectors if v.store == store.name and not v.at_end]
    for pool in device.pools:
        for r in pool.ranges:
            if r.store == store.name:
                need.append(r.first + _FEW if r.last is None else r.last + 1)
    count = max([device.minimum, *need])
    if isinstance(store, MsixStore):
        return count
    return min(MAX_MSI, 1 << (count - 1).bit_length())


def _store(device: Device, store: Store) -> list[str]:
    count = _count(device, store)
    if isinstance(store, MsixStore):
        return [f'ims.Msix("{store.name}", slots={count}, bar={_free_bar(device)}),']
    if isinstance(store, MsiStore | CommandStore | ExportedStore):
        kind = {MsiStore: "Msi", CommandStore: "Command", ExportedStore: "Exported"}[type(store)]
        return [f'ims.{kind}("{store.name}", slots={count}),']
    if isinstance(store, MemoryStore):
        return ["ims.Memory(", f'    "{store.name}",', f"    {count},", *_slot(store.layout), "),"]
    if isinstance(store, IndirectStore):
        return [
            "ims.Indirect(",
            f'    "{store.name}",',
            *_slot(store.layout),
            f"    slots={count},",
            f"    bar={bar_number(store)},",
            f"    select={store.select:#x},",
            f"    window={store.window:#x},",
            "),",
        ]
    assert isinstance(store, IomemStore)
    at = OFFSET if store.offset.value is None else store.offset.value
    tables = [(t.offset, t.slots) for t in store.tables] or [(at, count)]
    text = ", ".join(f"({offset:#x}, {slots})" for offset, slots in tables)
    return [
        "ims.Iomem(",
        f'    "{store.name}",',
        *_slot(store.layout),
        f"    bar={bar_number(store)},",
        f"    tables=({text},),",
        *_bits("mask_bits", store.mask_bits),
        *_bits("pending", store.pending),
        "),",
    ]


def _slot(layout: SlotLayout) -> list[str]:
    control = layout.control
    registers = {
        "address_lo": layout.address_lo,
        "address_hi": layout.address_hi,
        "data": layout.data,
        "control": control.register if control else None,
    }
    out = [
        f"{name}=ims.Field({r.offset:#x}, {r.width // 8})," for name, r in registers.items() if r
    ]
    if control and control.mask:
        out.append(f"mask={control.mask.bit},")
        out += ["active_low=True,"] if control.mask.active_low else []
    if control and control.pending:
        out.append(f"pending={control.pending.shift},")
    kept = [f for f in control.fields if f.use is FieldUse.FIXED] if control else []
    if control and kept:
        bits = sum((1 << f.width) - 1 << f.shift for f in kept)
        out += [f"kept={bits:#x},", f"fixed={control.fixed:#x},"]
    if layout.registers:
        own = (f'"{r.name}": ims.Field({r.offset:#x}, {r.width // 8})' for r in layout.registers)
        out.append(f"own={{{', '.join(own)}}},")
    out += ["big_endian=True,"] if layout.endian is Endian.BIG else []
    return ["    ims.Slot(", f"        {layout.stride},", *(f"        {o}" for o in out), "    ),"]


def _bits(name: str, bits: BitArray | None) -> list[str]:
    if not bits:
        return []
    low = ", active_low=True" if bits.active_low else ""
    return [f"    {name}=ims.Bits({bits.bar}, {bits.offset:#x}{low}),"]


def _free_bar(device: Device) -> int:
    """A BAR for the MSI-X table: nobody else's."""
    taken = {0}
    for store in device.stores:
        if isinstance(store, IomemStore | IndirectStore):
            taken.add(bar_number(store))
        if isinstance(store, IomemStore):
            taken |= {bits.bar for bits in (store.mask_bits, store.pending) if bits}
    return next((bar for bar in (4, 5, 3, 2, 1) if bar not in taken), 0)


def _told(
    device: Device, store: Store, bar: int, registers: dict[str, str]
) -> tuple[Sequence[str], Sequence[str]] | None:
    """How the device is told where slots are or what messages are to be: as skeletons do it."""
    name = store.name
    prefix = f"{device.name}_{name}_".upper()

    def at(register: str) -> int:
        """Where a register is: its address, or that of the first of several."""
        match = re.search(r"0x[0-9a-f]+", registers[prefix + register])
        assert match is not None
        return int(match[0], 16)

    if isinstance(store, MemoryStore):
        low, high = at("LO"), at("HI")
        enable = registers[f"{device.name}_enable".upper()]
        return (
            [
                f'self.register({bar}, {low:#x}, "{name}_lo")',
                f'self.register({bar}, {high:#x}, "{name}_hi", write=self.{name}_is_at)',
                f'self.register({bar}, {enable}, "enable", write=self.{name}_is_used)',
            ],
            [
                f"def {name}_is_at(self, high: int) -> None:",
                f"    low = self.word({bar}, {low:#x})",
                f'    self.stores["{name}"].base = high << 32 | low or None',
                "",
                f"def {name}_is_used(self, enabled: int) -> None:",
                "    if not enabled:",
                f'        self.stores["{name}"].base = None',
            ],
        )
    if isinstance(store, ExportedStore):
        return (
            [
                f"for index in range({_count(device, store)}):",
                f"    self.register({bar}, {at('MESSAGE'):#x} + 16 * index + 8, "
                f'"{name}_data", write=self.{name}_changed(index))',
            ],
            [
                f"def {name}_changed(self, index: int):",
                f"    at = {at('MESSAGE'):#x} + 16 * index",
                "",
                "    def changed(data: int) -> None:",
                f"        address = self.word({bar}, at + 4) << 32 | self.word({bar}, at)",
                f'        self.stores["{name}"].tell(index, address, data)',
                "",
                "    return changed",
            ],
        )
    if isinstance(store, CommandStore):
        words = ["INDEX", "ADDRESS_LO", "ADDRESS_HI", "DATA", "MASKED"]
        places = {word.lower(): at(word) for word in words}
        named = {cookie.name: at(f"COOKIE_{cookie.name.upper()}") for cookie in store.cookies}
        places |= {f"cookie_{cookie}": place for cookie, place in named.items()}
        lines = [
            f'self.register({bar}, {place:#x}, "{name}_{word}")' for word, place in places.items()
        ]
        lines.append(f'self.register({bar}, {at("GO"):#x}, "{name}_go", write=self.{name}_command)')
        more = [f"            {c}=self.word({bar}, {place:#x})," for c, place in named.items()]
        return (
            lines,
            [
                f"def {name}_command(self, go: int) -> None:",
                f"    high, low = self.word({bar}, {places['address_hi']:#x}), "
                f"self.word({bar}, {places['address_lo']:#x})",
                f'    self.stores["{name}"].tell(',
                f"        self.word({bar}, {places['index']:#x}),",
                "        high << 32 | low,",
                f"        self.word({bar}, {places['data']:#x}),",
                f"        masked=bool(self.word({bar}, {places['masked']:#x})),",
                *(line[4:] for line in more),
                "    )",
            ],
        )
    return None
