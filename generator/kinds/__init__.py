"""The kinds of stores in C: one module and class for each, called like its word."""

from __future__ import annotations

from importlib import import_module

from imsgen.dsl import kinds
from imsgen.dsl.model import Device, Pool, Store

from ..views.stores import Cookie
from .base import Kind
from .ims import Ims
from .platform import Platform


class UnknownKind(Exception):
    """No kind is there for a store: a bug of this package."""


def _class(word: str) -> type[Kind]:
    """The class of a kind in C: ``Iomem`` in ``iomem.py``."""
    found: type[Kind] = getattr(import_module(f"{__name__}.{word}"), word.capitalize())
    return found


#: All kinds, by their part of the model.
KINDS = {row.model: _class(row.word) for row in kinds.KINDS}


def kind_of(device: Device, store: Store) -> Kind:
    """The kind of a store of a device.  Raises :class:`UnknownKind`."""
    kind = KINDS.get(type(store))
    if kind is None:
        raise UnknownKind(f"store {store.name} of device {device.name}: {type(store).__name__}")
    return kind(device, store)


def ims_of(device: Device) -> tuple[Ims, ...]:
    """The stores beside MSI and MSI-X, in the layout's order: they share one domain."""
    return tuple(kind for kind in kinds_of(device) if isinstance(kind, Ims))


def own_of(device: Device) -> tuple[Ims | Platform, ...]:
    """The stores which are not the PCI core's, in the layout's order."""
    return tuple(kind for kind in kinds_of(device) if isinstance(kind, Ims | Platform))


def platform_of(device: Device) -> Platform | None:
    """The store of a platform device."""
    return next((kind for kind in kinds_of(device) if isinstance(kind, Platform)), None)


def kinds_of(device: Device) -> tuple[Kind, ...]:
    """The kinds of all stores of a device, in the layout's order."""
    return tuple(kind_of(device, store) for store in device.stores)


def shared_cookie(device: Device, pool: Pool) -> Cookie | None:
    """What shared vectors of a pool can't do without, which the driver passes."""
    return _needed(device, pool) if pool.sharing else None


def own_cookie(device: Device, pool: Pool) -> Cookie | None:
    """What vectors of a pool can't do without where none is shared: subdevices give it."""
    return None if pool.sharing else _needed(device, pool)


def _needed(device: Device, pool: Pool) -> Cookie | None:
    names = {part.store for part in pool.ranges}
    return next((k.cookie for k in kinds_of(device) if k.name in names and k.needs), None)
