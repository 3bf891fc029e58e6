"""What templates see of a pool: its segments, and how its vectors are made and given out."""

from __future__ import annotations

from imsgen.dsl.model import Device, IomemStore, MsixStore, Pool

from .layout import tabs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    View = dict[str, Any]


def pool_view(device: Device, pool: Pool) -> View:
    f, p = device.name, pool.name
    fn = f"{f}_{p}"
    ims = [s for s in device.stores if isinstance(s, IomemStore)]
    uses_ims = [s for s in ims if any(r.store == s.name for r in pool.ranges)]
    cookie = bool(uses_ims) and bool(uses_ims[0].layout.control.cookies)
    unmasked = "0"
    if uses_ims and uses_ims[0].layout.control.mask.active_low:
        unmasked = f"{f}_{uses_ims[0].name}_CTRL_MASK".upper()
    segments = _segments(device, pool, bool(uses_ims))
    if cookie:
        dedicated = "ctrl, "
    else:
        dedicated = f"{unmasked}, " if uses_ims else ""
    cookie_name = f"{f}_{uses_ims[0].name}" if cookie else ""
    return {
        "name": p,
        "fn": fn,
        "vec": f"{fn}_vec",
        "user": f"{fn}_user",
        "cpu": f"{fn}_cpu",
        "state": f"{fn}_pool",
        "LIMIT": f"{fn}_LIMIT".upper(),
        "limit": pool.sharing.limit if pool.sharing else 0,
        "purpose": pool.purpose or "vectors which are all alike",
        "shared": pool.sharing is not None,
        "dedicated": pool.dedicated,
        "ims": bool(uses_ims),
        "cookie": f"{cookie_name}_cookie" if cookie else "",
        "cookie_ctrl": f"{cookie_name}_ctrl" if cookie else "",
        "cookie_pass": "cookie, " if cookie else "",
        "ctrl_arg": "ctrl, " if uses_ims else "",
        "ctrl_default": f"{unmasked}, " if uses_ims else "",
        "ctrl_dedicated": dedicated,
        "irq_name": f"{f}-{p}-",
        "segments": segments,
        "sum": " + ".join(f"pool->{s['count']}" for s in segments),
        "init_tail": f",\n»const struct {f}_irqs_params *params" if pool.sharing else "",
    }


def _segments(device: Device, pool: Pool, uses_ims: bool) -> list[View]:
    f = device.name
    seen: dict[str, int] = {}
    counts: list[str] = []
    out: list[View] = []
    for number, r in enumerate(pool.ranges):
        again = seen.get(r.store, 0)
        seen[r.store] = again + 1
        suffix = r.store if not again else f"{r.store}{again}"
        store = device.store(r.store)
        msix = isinstance(store, MsixStore)
        count = f"nr_{suffix}"
        index = f"entry + {r.first}" if r.first else "entry"
        if msix:
            alloc = f"{f}_{r.store}_alloc(irqs, {index}, affdesc)"
            free = f"{f}_{r.store}_free(irqs, map)"
            size = f"irqs->{r.store}_size"
        else:
            alloc = f"{f}_{r.store}_alloc(irqs, {index}, ctrl, affdesc)"
            free = "pci_ims_free_irq(irqs->pdev, map)"
            size = f"irqs->{r.store}_slots"
        last = "UINT_MAX" if r.last is None else str(r.last)
        base = "".join(f" +\n»pool->{c}" for c in counts)
        out.append(
            {
                "name": suffix,
                "store": r.store,
                "count": count,
                "tabs": tabs(f" * @{count}:", 16),
                "first": r.first,
                "last": number == len(pool.ranges) - 1,
                "index": index,
                "alloc": alloc,
                "free": free,
                "range": f"{f}_range({size}, {r.first}, {last})",
                "minus_first": f" = index - {r.first}" if r.first else " = index",
                "plus_base": base,
            }
        )
        counts.append(count)
    return out
