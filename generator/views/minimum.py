"""What templates see of ``requires N vectors;``: how many there are, and machines with too few."""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.model import Device

from ..kinds import kinds_of
from ..kinds.base import Kind
from ..kinds.ims import Ims
from ..kinds.platform import Platform


@dataclass(frozen=True)
class Minimum:
    """The vectors that the driver needs."""

    nr: int
    #: How many there are: an expression.
    granted: str


@dataclass(frozen=True)
class Setting:
    """A member of the fake machine or of the parameters, and its value."""

    name: str
    value: int


@dataclass(frozen=True)
class Machine:
    """What the fake machine has and the driver passes."""

    name: str
    fails: bool
    ret: str
    machine: tuple[Setting, ...]
    params: tuple[Setting, ...]


def minimum_view(device: Device) -> Minimum | None:
    """The vectors that the driver needs; None where any number will do, or where all are there."""
    kinds = kinds_of(device)
    if sum(kind.numbers[0] for kind in kinds) >= device.minimum:
        return None
    return Minimum(device.minimum, " +\n»".join(kind.granted for kind in kinds))


def too_few(device: Device) -> tuple[Machine, ...]:
    """Machines that a suite tries: one with a vector less than needed, one with enough.

    MSI comes in powers of two, so there it may be more than one.
    """
    if minimum_view(device) is None:
        return ()
    most = sum(kind.numbers[-1] for kind in kinds_of(device))
    less = (_machine(device, n, "too_few", True) for n in range(device.minimum - 1, 0, -1))
    enough = (_machine(device, n, "enough", False) for n in range(device.minimum, most + 1))
    found = (next(filter(None, less), None), next(filter(None, enough), None))
    return tuple(machine for machine in found if machine is not None)


def _machine(device: Device, total: int, name: str, fails: bool) -> Machine | None:
    """A machine with TOTAL vectors; None if there can't be one."""
    kinds = kinds_of(device)
    own = [kind for kind in kinds if isinstance(kind, Ims | Platform)]
    pci = next((kind for kind in kinds if not isinstance(kind, Ims | Platform)), None)
    fewest = sum(_fewest(store) for store in own)
    entries = pci.numbers if pci else (0,)
    for nr in range(fewest, sum(store.numbers[-1] for store in own) + 1):
        if nr > total:
            break
        if total - nr in entries and (fails or not pci or total - nr >= pci.needed):
            machine, params = _settings(own, nr, pci, total - nr)
            return Machine(name, fails, "-ENOSPC" if fails else "0", machine, params)
    return None


def _fewest(store: Ims | Platform) -> int:
    """How many messages the driver can say that a store has."""
    return store.numbers[0 if store.size.runtime else -1]


def _settings(
    own: list[Ims | Platform], slots: int, pci: Kind | None, entries: int
) -> tuple[tuple[Setting, ...], tuple[Setting, ...]]:
    machine: list[Setting] = []
    params: list[Setting] = []
    if pci and pci.varies:
        # MSI has a power of two of messages, not all of which have to be granted.
        there = entries if pci.machine == "msix" else 1 << (entries - 1).bit_length()
        machine.append(Setting(pci.machine, there))
        if pci.managed:
            queues = entries - pci.managed.ranges[0].first
            params.append(Setting(f"{pci.managed.name}_queues", queues))
    more = slots - sum(_fewest(store) for store in own)
    for store in own:
        # The first ones have as many as they can.
        nr = min(_fewest(store) + more, store.numbers[-1])
        more -= nr - _fewest(store)
        if store.size.runtime:
            params.append(Setting(f"{store.name}_slots", nr))
    return tuple(machine), tuple(params)
