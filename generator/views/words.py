"""What commit messages and the cover letter say of a device, in words."""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.kinds import row_of
from imsgen.dsl.model import Device, Pool, Range, SharePolicy, where

from ..kinds import kinds_of
from .parts import listed


@dataclass(frozen=True)
class Words:
    """A device, the kernel that a series is for, and the commits which prepare that."""

    title: str
    subject: str
    ids: str
    what: str
    holds: tuple[str, ...]
    maintainers: tuple[str, ...]
    kernel: str
    has_core: bool
    #: Whether the glue uses the library.
    library: bool
    core_count: str


def words(device: Device, kernel: str, core: int) -> Words:
    """The words for ``device``; ``core`` commits prepare the ``kernel``."""
    title = device.title or device.name
    return Words(
        title=title,
        subject=f"{device.name} ({device.title})" if device.title else device.name,
        ids=_ids(device),
        what=_what(device),
        holds=tuple(_items(device)),
        maintainers=tuple(device.maintainers),
        kernel=kernel,
        has_core=core > 0,
        library=any(kind.selects for kind in kinds_of(device)),
        core_count="patch" if core == 1 else f"{core} patches",
    )


def _ids(device: Device) -> str:
    words = [one.text for one in device.platform_ids]
    for pci in device.ids:
        if pci.pci_class is not None:
            words.append(f"class {pci.pci_class:06x}")
        else:
            words.append(f"{pci.vendor or 0:04x}:{pci.device or 0:04x}")
    return f" ({', '.join(words)})" if words else ""


def _what(device: Device) -> str:
    words = []
    if any(row_of(store).is_ims for store in device.stores):
        words.append("the interrupt domain")
    if device.vectors:
        words.append("vectors" if words else "the vectors")
    if device.pools:
        words.append("pools" if len(device.pools) > 1 else "the pool" if not words else "pool")
    return listed(words or ["the interrupts"])


def _items(device: Device) -> list[str]:
    out = [f"store {kind.name}: {kind.words}" for kind in kinds_of(device)]
    for vector in device.vectors:
        purpose = f", {vector.purpose}" if vector.purpose else ""
        out.append(f"vector {vector.name}: {where(vector)} of {vector.store}{purpose}")
    for shared in device.shared:
        purpose = f", {shared.purpose}" if shared.purpose else ""
        out.append(f"vector {shared.name}: that of {shared.vector}{purpose}")
    for pool in device.pools:
        out.append(f"pool {pool.name}: {_pool(pool)}")
    return out


def _least(pool: Pool) -> bool:
    return pool.sharing is not None and pool.sharing.policy is SharePolicy.LEAST_LOADED


def _pool(pool: Pool) -> str:
    words = [f"from {', then '.join(_range(r) for r in pool.ranges)}"]
    if pool.sharing:
        where = "the least loaded CPU" if _least(pool) else "each CPU"
        words.append(f"shared by up to {pool.sharing.limit} users on {where}")
    if pool.dedicated:
        words.append("or dedicated to one" if pool.sharing else "dedicated to one user each")
    return ", ".join([pool.purpose, *words] if pool.purpose else words)


def _range(r: Range, quote: str = "") -> str:
    name = f"{quote}{r.store}{quote}"
    if r.last is None:
        return f"{name} (index {r.first} and up)" if r.first else name
    if r.first == r.last:
        return f"{name} (index {r.first})"
    return f"{name} (indexes {r.first} to {r.last})"
