"""What the template of a device's model sees: :class:`ModelView`."""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.model import Device

from ..kinds import kinds_of
from ..kinds.made import Registers
from .skeleton import skeleton_view

#: Least size of a BAR with registers of the device's own, in bytes.
_BAR = 0x10000


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
    places = {line.name.partition("(")[0]: line.value for line in own.registers}
    enable = places[f"{device.name}_enable".upper()]
    kinds = kinds_of(device)
    taken = {0, *(bar for kind in kinds for bar, _, _ in kind.spans)}
    free_bar = next((bar for bar in (4, 5, 3, 2, 1) if bar not in taken), 0)
    setup: list[str] = []
    methods = []
    for kind in kinds:
        prefix = f"{device.name}_{kind.name}_".upper()
        told = kind.told(Registers(own.bar, prefix, places, enable))
        if told:
            setup += told.setup
            methods.append(tuple(f"    {line}" if line else "" for line in told.methods))
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
        stores=tuple(kind.modelled(free_bar) for kind in kinds),
        setup=tuple(setup),
        methods=tuple(methods),
    )
