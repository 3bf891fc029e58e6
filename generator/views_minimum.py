"""What templates see of ``requires N vectors;``: how many there are, and machines with too few."""

from __future__ import annotations

from collections.abc import Sequence

from imsgen.dsl.model import MAX_MSI, MAX_MSIX, Device, ImsStore, MsiStore, PciStore, Pool, Store

from .views_stores import fallback, in_pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]


def minimum_view(device: Device) -> View | None:
    """The vectors that the driver needs; None where any number will do, or where all are there."""
    if sum(_numbers(device, store)[0] for store in device.stores) >= device.minimum:
        return None
    return {
        "nr": device.minimum,
        "granted": " +\n»".join(_granted(device, store) for store in device.stores),
    }


def _prefix(device: Device, store: Store) -> int:
    """Vectors that a store must have for its special ones."""
    return max((v.index + 1 for v in device.vectors if v.store == store.name), default=0)


def _managed(device: Device, store: Store) -> Pool | None:
    pools = (p for p in device.pools if p.managed and p.ranges[0].store == store.name)
    return next(pools, None)


def _granted(device: Device, store: Store) -> str:
    """How many vectors of a store can be used, as an expression."""
    managed = _managed(device, store)
    if managed:
        first = managed.ranges[0].first
        return f"irqs->{managed.name}.nr" + (f" + {first}" if first else "")
    if not isinstance(store, PciStore):
        return f"irqs->{store.name}_slots"
    if in_pool(device, store):
        return f"irqs->{store.name}_size"
    return str(_prefix(device, store))


def _numbers(device: Device, store: Store) -> Sequence[int]:
    """How many vectors of a store there may be, upwards."""
    prefix = max(_prefix(device, store), 1)
    if isinstance(store, ImsStore):
        if fallback(device, store):
            prefix = 0
        elif not store.slots.runtime:
            return (store.slots.maximum,)
        return range(prefix, store.slots.maximum + 1)
    managed = _managed(device, store)
    if managed:
        return range(managed.ranges[0].first + 1, MAX_MSIX + 1)
    if not in_pool(device, store):
        return (_prefix(device, store),)
    if isinstance(store, MsiStore):
        return tuple(nr for nr in (1, 2, 4, 8, 16, MAX_MSI) if nr >= prefix)
    return range(prefix, MAX_MSIX + 1)


def too_few(device: Device) -> list[View]:
    """Machines that a suite tries: one with a vector less than needed, one with enough.

    MSI comes in powers of two, so there it may be more than one.
    """
    if minimum_view(device) is None:
        return []
    less = next(filter(None, (_machine(device, n) for n in range(device.minimum - 1, 0, -1))), None)
    most = sum(_numbers(device, store)[-1] for store in device.stores)
    wanted = range(device.minimum, most + 1)
    enough = next(filter(None, (_machine(device, n) for n in wanted)), None)
    return [
        {"name": name, "fails": fails, "ret": "-ENOSPC" if fails else "0", **machine}
        for name, fails, machine in (("too_few", True, less), ("enough", False, enough))
        if machine is not None
    ]


def _machine(device: Device, total: int) -> View | None:
    """What the fake machine has and the driver passes for TOTAL vectors; None if it can't be."""
    ims = next((s for s in device.stores if isinstance(s, ImsStore)), None)
    pci = next((s for s in device.stores if isinstance(s, PciStore)), None)
    slots = _numbers(device, ims) if ims else (0,)
    if ims and not ims.slots.runtime:
        slots = (ims.slots.maximum,)
    entries = _numbers(device, pci) if pci else (0,)
    for nr in slots:
        if nr > total:
            break
        if total - nr in entries:
            return _settings(device, ims, nr, pci, total - nr)
    return None


def _settings(
    device: Device, ims: ImsStore | None, slots: int, pci: PciStore | None, entries: int
) -> View:
    machine: list[View] = []
    params: list[View] = []
    if pci and in_pool(device, pci):
        kind = "msi" if isinstance(pci, MsiStore) else "msix"
        machine.append({"name": kind, "value": entries})
        managed = _managed(device, pci)
        if managed:
            queues = entries - managed.ranges[0].first
            params.append({"name": f"{managed.name}_queues", "value": queues})
    if ims and ims.slots.runtime:
        params.append({"name": f"{ims.name}_slots", "value": slots})
    return {"machine": machine, "params": params}
