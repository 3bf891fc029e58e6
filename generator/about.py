"""What commit messages, documentation and cover letter say of a device, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from imsgen.dsl.model import (
    MAX_MSI,
    CommandStore,
    Device,
    ExportedStore,
    ImsStore,
    IomemStore,
    MemoryStore,
    MsiStore,
    MsixStore,
    PciId,
    Pool,
    Range,
    SharePolicy,
    Size,
    Store,
)

from .patches import fill
from .views_slots import slot_masks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    About = dict[str, Any]


#: Columns of a paragraph in the documentation, without its indentation.
_DOC_COLUMNS = 72

#: Characters that reStructuredText would take for markup.
_RST = re.compile(r"([\\*`_|])")


def about(device: Device) -> About:
    """The words for ``device``; the same for every kernel."""
    title = device.title or device.name
    heading = _rst(f"Interrupts of {device.name}: {title}")
    stores = [{"name": store.name, "lines": _paragraph([_store(store)])} for store in device.stores]
    vectors = [
        {
            "name": vector.name,
            "lines": _paragraph(
                [
                    _rst(vector.purpose),
                    f"index {vector.index} of ``{vector.store}``",
                    f"its Linux interrupt number is what {device.name}_irq_{vector.name}() returns",
                ]
            ),
        }
        for vector in device.vectors
    ]
    pools = [{"name": pool.name, "lines": _paragraph(_pool_doc(pool))} for pool in device.pools]
    return {
        "title": title,
        "subject": f"{device.name} ({device.title})" if device.title else device.name,
        "ids": _ids(device.ids),
        "what": _what(device),
        "holds": _items(device),
        "heading": heading,
        "rule": "=" * len(heading),
        "stores": stores,
        "vectors": vectors,
        "pools": pools,
        "bars": _bars(device),
        "has_bars": any(isinstance(store, IomemStore) for store in device.stores),
        "maintainers": list(device.maintainers),
        "status": "Maintained" if device.maintainers else "Orphan",
        "files": [],
    }


def _ids(ids: Sequence[PciId]) -> str:
    words = []
    for pci in ids:
        if pci.pci_class is not None:
            words.append(f"class {pci.pci_class:06x}")
        else:
            words.append(f"{pci.vendor or 0:04x}:{pci.device or 0:04x}")
    return f" ({', '.join(words)})" if words else ""


def _what(device: Device) -> str:
    words = []
    if any(isinstance(store, ImsStore) for store in device.stores):
        words.append("the interrupt domain")
    if device.vectors:
        words.append("vectors" if words else "the vectors")
    if device.pools:
        words.append("pools" if len(device.pools) > 1 else "the pool" if not words else "pool")
    return _list(words or ["the interrupts"])


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _items(device: Device) -> list[str]:
    out = [f"store {store.name}: {_store(store)}" for store in device.stores]
    for vector in device.vectors:
        purpose = f", {vector.purpose}" if vector.purpose else ""
        out.append(f"vector {vector.name}: index {vector.index} of {vector.store}{purpose}")
    for pool in device.pools:
        out.append(f"pool {pool.name}: {_pool(pool)}")
    return out


def _store(store: Store) -> str:
    if isinstance(store, MsixStore):
        return "the MSI-X table"
    if isinstance(store, MsiStore):
        return f"the MSI capability, up to {MAX_MSI} messages"
    if isinstance(store, CommandStore):
        return f"{_size(store.slots, 'message')}, changed by a command of the device"
    if isinstance(store, ExportedStore):
        return f"{_size(store.slots, 'message')}, sent by a peer which is told of changes"
    masks = "" if slot_masks(store) else ", without mask bits"
    if isinstance(store, MemoryStore):
        where = f"{_size(store.slots)} of {store.layout.stride} bytes in memory given by the driver"
        return where + masks
    if store.tables:
        where = _list([f"{t.slots} at {t.offset:#x}" for t in store.tables])
        where = f"{_size(store.slots)} of {store.layout.stride} bytes in BAR {store.bar}: {where}"
        return where + masks + _arrays(store)
    where = "an offset given by the driver" if store.offset.runtime else f"{store.offset.value:#x}"
    return (
        f"{_size(store.slots)} of {store.layout.stride} bytes in BAR {store.bar} at {where}"
        + masks
        + _arrays(store)
    )


def _arrays(store: IomemStore) -> str:
    """Where mask and pending bits are which don't lie in the slots."""
    words = []
    for what, bits in (("mask", store.mask_bits), ("pending", store.pending)):
        if bits:
            words.append(f", {what} bits in BAR {bits.bar} at {bits.offset:#x}")
    return "".join(words)


def _size(size: Size, what: str = "slot") -> str:
    if size.value is None:
        return f"up to {size.maximum} {what}s"
    return f"{size.value} {what}" + ("s" if size.value != 1 else "")


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


def _pool_doc(pool: Pool) -> list[str]:
    ranges = ", then ".join(_range(r, "``") for r in pool.ranges)
    out = [_rst(pool.purpose), f"vectors come from {ranges}"]
    if pool.sharing:
        limit = pool.sharing.limit
        if _least(pool):
            out.append(
                "a user gets one on the CPU with the fewest users, made when first wanted, for up "
                f"to {limit} users each"
            )
        else:
            out.append(
                f"each CPU has its own, made when first wanted, for up to {limit} users each"
            )
    if pool.dedicated:
        out.append(f"a user can {'also ' if pool.sharing else ''}have one that nobody else uses")
    if pool.node:
        out.append("where a user names no CPUs, those of the device's NUMA node are taken")
    return out


def _range(r: Range, quote: str = "") -> str:
    name = f"{quote}{r.store}{quote}"
    if r.last is None:
        return f"{name} (index {r.first} and up)" if r.first else name
    if r.first == r.last:
        return f"{name} (index {r.first})"
    return f"{name} (indexes {r.first} to {r.last})"


def _bars(device: Device) -> str:
    bars = set()
    for store in device.stores:
        if isinstance(store, IomemStore):
            arrays = [bits.bar for bits in (store.mask_bits, store.pending) if bits]
            bars |= {store.bar, *arrays}
    if not bars:
        return ""
    return ("BARs " if len(bars) > 1 else "BAR ") + _list([str(bar) for bar in sorted(bars)])


def _rst(text: str) -> str:
    return _RST.sub(r"\\\1", text)


def _paragraph(sentences: Sequence[str]) -> list[str]:
    """Sentences (those that aren't empty) as lines of a paragraph."""
    full = [s[0].upper() + s[1:] + "." for s in sentences if s]
    return fill(" ".join(full), _DOC_COLUMNS)
